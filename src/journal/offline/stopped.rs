//! The journal of a stopped hoptrail, as it lies there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::journal::dirs::{Entry, entries, part_dir};
use crate::journal::error::{OpenError, ReadError};
use crate::journal::identity::{Directory, write_durably};
use crate::journal::index::{Run, SEALED_FILE};
use crate::journal::part::{CONDEMNED_FILE, PartName};
use crate::journal::removed::{self, Removed};

/// A journal that nobody else uses while this is there.
pub(super) struct Stopped {
    pub(super) directory: Directory,
    /// The partitions' newest generations, in order.
    pub(super) parts: Vec<Found>,
    /// Partitions that are gone, in order.
    pub(super) removed: Vec<Removed>,
    /// Files that should tell of such partitions, and do not.
    pub(super) unreadable: Vec<PathBuf>,
    /// Directories of partitions that were set aside.
    pub(super) set_aside: Vec<PathBuf>,
}

/// A partition.
pub(super) struct Found {
    pub(super) name: PartName,
    pub(super) dir: PathBuf,
    /// What its index says; `None`: it has none yet.
    pub(super) sealed: Result<Option<Run>, ReadError>,
}

impl Stopped {
    pub(super) fn open(dir: &Path) -> Result<Stopped, OpenError> {
        let directory = Directory::existing(dir)?;
        let (mut names, mut set_aside): (BTreeMap<_, PartName>, _) = (BTreeMap::new(), Vec::new());
        for entry in entries(dir)? {
            match entry {
                Entry::Part(name) => {
                    let newest = names.entry(name.id()).or_insert(name);
                    *newest = (*newest).max(name);
                }
                Entry::Damaged(path) => set_aside.push(path),
                Entry::Unfinished(_) => {}
                Entry::Unreleased(path) => return Err(OpenError::unreleased(dir, &path)),
            }
        }
        set_aside.sort();
        let (removed, unreadable) = removed::read(dir)?;
        let parts = names.into_values().map(|name| Found::read(dir, name)).collect::<Result<_, _>>()?;
        Ok(Stopped { directory, parts, removed, unreadable, set_aside })
    }
}

impl Found {
    fn read(journal: &Path, name: PartName) -> Result<Found, OpenError> {
        let dir = part_dir(journal, name);
        let path = dir.join(SEALED_FILE);
        let sealed = match Run::open(&path) {
            Ok(run) if run.meta().seal.is_some() => Ok(Some(run)),
            Err(newer @ ReadError::NewerRun { .. }) => return Err(OpenError::Database { dir, source: newer }),
            Err(error) if path.exists() => Err(error),
            Ok(_) | Err(_) => Ok(None),
        };
        Ok(Found { name, dir, sealed })
    }
}

/// That there is a journal in `dir` which nobody uses.
///
/// # Errors
/// [`OpenError`].
pub fn require(dir: &Path) -> Result<(), OpenError> {
    Directory::existing(dir).map(drop)
}

/// Notes in a partition's directory that it is damaged: the next start does not open its database, in which sled would
/// wipe what can still be read, but saves what is readable and sets it aside.
///
/// # Errors
/// [`OpenError`].
pub fn condemn(dir: &Path, partition: &str) -> Result<(), OpenError> {
    let _directory = Directory::existing(dir)?;
    let Ok(name) = partition.parse::<PartName>() else { return Ok(()) };
    let written = write_durably(&part_dir(dir, name), CONDEMNED_FILE, b"");
    written.map_err(|source| OpenError::Directory { dir: part_dir(dir, name), source })
}

/// Bytes of the files in a directory.
pub(super) fn bytes_in(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum()
}
