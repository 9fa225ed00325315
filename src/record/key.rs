//! The key of the mask's digests: a file that is made once and kept.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The mask's key cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be accessed.
    #[error("cannot use the mask key file {}: {source}; check redact.key_file", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a mask key: it should hold 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the key, or makes one if there is none. Only the owner may read the file.
pub(super) fn load_or_create(path: &Path) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| KeyError::Malformed { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let hash = blake3::Hash::from_hex(text).ok()?;
    Some(*hash.as_bytes())
}

fn create(path: &Path) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let fresh = path.with_extension("new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{}", blake3::Hash::from_bytes(key).to_hex())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_the_owner_may_read_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("mask.key");
        let key = load_or_create(&path).expect("made");
        assert_eq!(load_or_create(&path).expect("read"), key);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("mask.key");
        fs::write(&path, "secret").expect("written");
        assert!(matches!(load_or_create(&path), Err(KeyError::Malformed { .. })));
        assert!(matches!(load_or_create(dir.path()), Err(KeyError::Io { .. })));
    }
}
