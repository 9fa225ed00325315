//! The directories of partitions: their names, and their creation and removal as a whole.

use std::path::{Path, PathBuf};

use crate::model::Timestamp;

use super::error::OpenError;
use super::identity::sync_dir;
use super::part::PartName;

/// The suffix of a partition's directory while the partition is being written.
pub(super) const NEW_SUFFIX: &str = ".new";
/// The suffix of a damaged partition's directory.
const DAMAGED_SUFFIX: &str = ".damaged";
/// The suffix of a partition's directory while the partition is being removed.
const REMOVED_SUFFIX: &str = ".removed";

/// The directory of a partition.
pub(super) fn part_dir(journal: &Path, name: PartName) -> PathBuf {
    journal.join(name.to_string())
}

/// Whether a partition has this name, or had it when it was damaged.
pub(super) fn is_taken(journal: &Path, name: PartName) -> bool {
    let dir = part_dir(journal, name);
    dir.exists() || with_suffix(&dir, DAMAGED_SUFFIX).exists()
}

/// Renames a damaged partition's directory to `….damaged`. Returns its new path.
pub(super) fn set_aside(dir: &Path) -> std::io::Result<PathBuf> {
    let target = with_suffix(dir, DAMAGED_SUFFIX);
    let mut attempts = 2..;
    let mut free = target.clone();
    while free.exists() {
        free = with_suffix(&target, &format!("-{}", attempts.next().unwrap_or_default()));
    }
    std::fs::rename(dir, &free)?;
    dir.parent().map_or(Ok(()), sync_dir)?;
    Ok(free)
}

fn with_suffix(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    dir.with_file_name(name)
}

/// An entry of a journal's directory.
pub(super) enum Entry {
    /// A partition.
    Part(PartName),
    /// A partition that was being made or removed when the process ended.
    Unfinished(PathBuf),
    /// A partition that was set aside.
    Damaged(PathBuf),
    /// A database of a day, as versions before the first release made them.
    Unreleased(PathBuf),
}

/// The entries of a journal's directory besides the journal's own files.
pub(super) fn entries(journal: &Path) -> Result<Vec<Entry>, OpenError> {
    let failed = |source| OpenError::Directory { dir: journal.to_owned(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(journal).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let unfinished = [NEW_SUFFIX, REMOVED_SUFFIX].iter().find_map(|suffix| name.strip_suffix(suffix));
        if let Ok(part) = name.parse() {
            entries.push(Entry::Part(part));
        } else if unfinished.is_some_and(|name| name.parse::<PartName>().is_ok()) {
            entries.push(Entry::Unfinished(entry.path()));
        } else if name.contains(DAMAGED_SUFFIX) {
            entries.push(Entry::Damaged(entry.path()));
        } else if format!("{name}T00:00:00Z").parse::<Timestamp>().is_ok() {
            entries.push(Entry::Unreleased(entry.path()));
        }
    }
    Ok(entries)
}

/// Removes a partition's directory. After a crash the directory is there whole, or not at all.
pub(super) fn remove_dir(dir: &Path) -> std::io::Result<()> {
    let removed = with_suffix(dir, REMOVED_SUFFIX);
    std::fs::rename(dir, &removed)?;
    dir.parent().map_or(Ok(()), sync_dir)?;
    std::fs::remove_dir_all(removed)
}
