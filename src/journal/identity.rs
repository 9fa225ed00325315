//! The journal's directory: its identity, its format, and the lock that admits only one process.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::OpenError;

/// The newest format of a whole journal that this version knows.
const FORMAT: u64 = 1;
const IDENTITY_FILE: &str = "journal.json";
const LOCK_FILE: &str = "lock";

/// A process that is just starting holds copies of its parent's open files until it runs its own program. The lock is
/// among them.
const LOCK_WAIT_MAX: Duration = Duration::from_millis(300);
const LOCK_WAIT_STEP: Duration = Duration::from_millis(5);

/// An opened journal directory. Dropping it frees the lock.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    identity: Identity,
    _lock: File,
}

#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    format: u64,
    id: String,
}

impl Directory {
    /// Makes the directory where it is missing, locks it, and reads the journal's identity.
    pub(super) fn open(path: &Path) -> Result<Directory, OpenError> {
        let failed = |source| OpenError::Directory { dir: path.to_owned(), source };
        make_durably(path).map_err(failed)?;
        let lock = File::create(path.join(LOCK_FILE)).map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_WAIT_STEP);
                    waited += LOCK_WAIT_STEP;
                }
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        let identity = match fs::read(path.join(IDENTITY_FILE)) {
            Ok(bytes) => Self::check(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::found(path)?,
            Err(error) => return Err(failed(error)),
        };
        Ok(Directory { path: path.to_owned(), identity, _lock: lock })
    }

    /// Opens the directory of an existing journal, and never makes one.
    pub(super) fn existing(path: &Path) -> Result<Directory, OpenError> {
        let failed = |source| OpenError::Directory { dir: path.to_owned(), source };
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        if !path.join(IDENTITY_FILE).exists() {
            let reason = format!("it holds no {IDENTITY_FILE}");
            return Err(OpenError::NotAJournal { dir: path.to_owned(), reason });
        }
        Directory::open(path)
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The journal's id, unique in the world.
    pub(super) fn id(&self) -> &str {
        &self.identity.id
    }

    /// Its format.
    pub(super) fn format(&self) -> u64 {
        self.identity.format
    }

    fn check(path: &Path, bytes: &[u8]) -> Result<Identity, OpenError> {
        let identity: Identity = serde_json::from_slice(bytes).map_err(|error| OpenError::NotAJournal {
            dir: path.to_owned(),
            reason: format!("its {IDENTITY_FILE} cannot be read ({error})"),
        })?;
        if identity.format > FORMAT {
            return Err(OpenError::Newer { dir: path.to_owned(), found: identity.format, known: FORMAT });
        }
        Ok(identity)
    }

    /// Gives a new journal its identity. A directory that holds anything else is refused and left alone.
    fn found(path: &Path) -> Result<Identity, OpenError> {
        let failed = |source| OpenError::Directory { dir: path.to_owned(), source };
        for entry in fs::read_dir(path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let known = [LOCK_FILE, "journal.json.new", "mask.key"].iter().any(|known| name.as_os_str() == *known);
            if !known {
                let reason = format!("it holds {} and no {IDENTITY_FILE}", name.to_string_lossy());
                return Err(OpenError::NotAJournal { dir: path.to_owned(), reason });
            }
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| failed(io::Error::other(error)))?;
        let identity = Identity { format: FORMAT, id: id.iter().map(|byte| format!("{byte:02x}")).collect() };
        let text = serde_json::to_vec(&identity).map_err(|error| failed(error.into()))?;
        write_durably(path, IDENTITY_FILE, &text).map_err(failed)?;
        Ok(identity)
    }
}

/// Checks that a journal could be opened in `path`, without making one. An existing directory must be free and
/// writable, and it must be a journal or empty. A missing directory must have a parent in which it can be made.
///
/// # Errors
/// [`OpenError`].
pub fn probe(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Directory { dir: path.to_owned(), source };
    if path.is_dir() {
        let made = [LOCK_FILE, IDENTITY_FILE].map(|name| path.join(name)).into_iter().filter(|file| !file.exists());
        let made: Vec<PathBuf> = made.collect();
        let opened = Directory::open(path).map(drop);
        for file in made {
            fs::remove_file(file).or_else(ignore_missing).map_err(failed)?;
        }
        return opened;
    }
    if path.exists() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let parent = path.ancestors().skip(1).find(|dir| dir.is_dir() || dir.as_os_str().is_empty());
    let parent = parent.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let trial = parent.join(format!(".hoptrail-check-{}", std::process::id()));
    fs::create_dir(&trial).and_then(|()| fs::remove_dir(&trial)).map_err(failed)
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Writes a file of `dir`. After a crash the file is there whole, or not at all.
///
/// # Errors
/// The disk is full, or fails.
pub fn write_durably(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = dir.join(format!("{name}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, dir.join(name))?;
    sync_dir(dir)
}

/// Makes a missing directory and the missing ones above it. A power loss does not take them away.
fn make_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_durably(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_dir(parent),
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
