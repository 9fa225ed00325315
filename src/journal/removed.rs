//! The records of removed partitions: a small file for each, in the directory `removed`, named after its range. A
//! record tells the missing numbers and the cause, and keeps the statistics of the partition.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{Seq, Timestamp};

use super::error::OpenError;
use super::identity::{sync_dir, write_durably};
use super::statistics::Count;

const DIR: &str = "removed";
const FORMAT: u8 = 1;

/// The reason that a partition is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was older than the longest time for which events are kept.
    Age,
    /// The journal was larger than its limit.
    Size,
    /// The file system was fuller than its limit.
    Disk,
    /// It was damaged, and nothing of it could be read.
    Damaged,
    /// Its directory was not there.
    Missing,
}

impl Cause {
    /// The cause in words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Cause::Age => "older than anything is kept",
            Cause::Size => "the journal was larger than journal.retention.max_bytes",
            Cause::Disk => "the file system was fuller than journal.retention.high_water",
            Cause::Damaged => "it was damaged",
            Cause::Missing => "its directory was not there",
        }
    }
}

/// A partition that is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Removed {
    format: u8,
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) cause: Cause,
    pub(super) counts: Vec<Count>,
}

impl Removed {
    pub(super) fn new(cause: Cause, seqs: (Seq, Seq), times: (Timestamp, Timestamp), counts: Vec<Count>) -> Self {
        let ((first, last), (first_at, last_at)) = (seqs, times);
        Removed { format: FORMAT, first, last, first_at, last_at, cause, counts }
    }

    /// Writes the record's file. It is durable when this returns.
    pub(super) fn write(&self, journal: &Path) -> io::Result<()> {
        let dir = journal.join(DIR);
        if !dir.exists() {
            std::fs::create_dir(&dir)?;
            sync_dir(journal)?;
        }
        write_durably(&dir, &format!("{}-{}.json", self.first, self.last), &serde_json::to_vec(self)?)
    }
}

/// All partitions that are gone, oldest first. A damaged file is renamed: its statistics are lost, and its hole is told
/// once more.
pub(super) fn load(journal: &Path) -> Result<Vec<Removed>, OpenError> {
    let (removed, damaged) = read(journal)?;
    for path in damaged {
        let renamed = std::fs::rename(&path, path.with_extension("damaged"));
        renamed.map_err(|source| OpenError::Directory { dir: journal.join(DIR), source })?;
    }
    Ok(removed)
}

/// All partitions that are gone, oldest first, and the damaged files.
pub(super) fn read(journal: &Path) -> Result<(Vec<Removed>, Vec<PathBuf>), OpenError> {
    let dir = journal.join(DIR);
    let failed = |source| OpenError::Directory { dir: dir.clone(), source };
    let (mut removed, mut damaged): (Vec<Removed>, _) = (Vec::new(), Vec::new());
    if !dir.exists() {
        return Ok((removed, damaged));
    }
    for entry in std::fs::read_dir(&dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            match serde_json::from_slice(&std::fs::read(&path).map_err(failed)?) {
                Ok(record) => removed.push(record),
                Err(_) => damaged.push(path),
            }
        }
    }
    removed.sort_by_key(|record| record.first);
    damaged.sort();
    Ok((removed, damaged))
}
