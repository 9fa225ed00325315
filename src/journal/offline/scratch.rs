//! A copy of a partition that sled may write to.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::dirs::{NEW_SUFFIX, part_dir};

use super::stopped::Found;

/// A copy of a partition's directory, which is removed when this goes. Should the process end before, the next start
/// removes it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Copies the partition's files; file systems that can share them between files do.
    pub(super) fn of(journal: &Path, found: &Found) -> io::Result<Scratch> {
        let mut dir = part_dir(journal, found.name).into_os_string();
        dir.push(NEW_SUFFIX);
        let scratch = Scratch(dir.into());
        if scratch.0.exists() {
            std::fs::remove_dir_all(&scratch.0)?;
        }
        std::fs::create_dir(&scratch.0)?;
        for entry in std::fs::read_dir(&found.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), scratch.0.join(entry.file_name()))?;
            }
        }
        Ok(scratch)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed by the next start.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
