//! A copy of a partition that sled may write to.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::parts::{NEW_SUFFIX, part_dir};

use super::stopped::Found;

/// How the names of sled's snapshots begin.
const SNAPSHOT_PREFIX: &str = "snap.";

/// A partition's directory to read from: its own or a copy, which is removed when this goes. Should the process end
/// before, the next start removes it.
pub(super) struct Scratch {
    dir: PathBuf,
    is_copy: bool,
}

impl Scratch {
    /// The partition's own directory where opening its database writes nothing, else a copy.
    pub(super) fn of(journal: &Path, found: &Found) -> io::Result<Scratch> {
        let is_sealed = matches!(found.sealed, Ok(Some(_)));
        if is_sealed && has_snapshot(&found.dir)? {
            return Ok(Scratch { dir: found.dir.clone(), is_copy: false });
        }
        let mut dir = part_dir(journal, found.name).into_os_string();
        dir.push(NEW_SUFFIX);
        let scratch = Scratch { dir: dir.into(), is_copy: true };
        if scratch.dir.exists() {
            std::fs::remove_dir_all(&scratch.dir)?;
        }
        std::fs::create_dir(&scratch.dir)?;
        for entry in std::fs::read_dir(&found.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), scratch.dir.join(entry.file_name()))?;
            }
        }
        Ok(scratch)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_copy {
            // What is left is removed by the next start.
            drop(std::fs::remove_dir_all(&self.dir));
        }
    }
}

fn has_snapshot(dir: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // One that was half written has another end.
        if name.starts_with(SNAPSHOT_PREFIX) && !name.contains("generating") {
            return Ok(true);
        }
    }
    Ok(false)
}
