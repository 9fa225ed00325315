//! The content of a journal, in numbers.

use std::path::Path;

use crate::journal::error::{OpenError, ReadError};
use crate::journal::options::Options;
use crate::journal::part::{Part, Span};
use crate::journal::removed::Cause;
use crate::journal::statistics::Count;
use crate::model::{Seq, Timestamp};

use super::scratch::Scratch;
use super::stopped::{Found, Stopped, bytes_in};

/// What is in a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// The journal's name in the world.
    pub id: String,
    /// The format of its directory.
    pub format: u64,
    /// Its partitions, oldest first, then those that were set aside.
    pub partitions: Vec<PartStat>,
    /// What is no longer there, oldest first.
    pub removed: Vec<Gone>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartStat {
    /// Its name.
    pub name: String,
    /// `open` where it is not sealed, else `hot`, `warm` or `cold`; `damaged` where it was set aside, or cannot be read.
    pub state: String,
    /// Its first and last number.
    pub seqs: Option<(Seq, Seq)>,
    /// The times of the first and of the last event that were recorded in it.
    pub times: Option<(Timestamp, Timestamp)>,
    /// What was recorded in it, retention notwithstanding.
    pub counts: Vec<Count>,
    /// Events that are known to be lost.
    pub lost: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// A range of events that is no longer there.
#[derive(Clone, Debug, PartialEq)]
pub struct Gone {
    /// Its first and last number.
    pub seqs: (Seq, Seq),
    /// The times of its first and last event.
    pub times: (Timestamp, Timestamp),
    /// Why.
    pub cause: Cause,
    /// What was recorded in it, where that is known.
    pub counts: Vec<Count>,
}

/// Tells what is in the journal of a stopped hoptrail.
///
/// # Errors
/// [`OpenError`]: there is no journal, it is in use, or it was written by a later version.
pub fn stat(dir: &Path) -> Result<Stat, OpenError> {
    let stopped = Stopped::open(dir)?;
    let mut partitions = Vec::new();
    for found in &stopped.parts {
        partitions.push(part(dir, found)?);
    }
    // A removal that was cut short, and what has been salvaged since, is not gone.
    let live: Vec<(Seq, Seq)> = partitions.iter().filter_map(|part| part.seqs).collect();
    let is_gone = |first, last| !live.iter().any(|part| part.0 <= last && first <= part.1);
    let removed = stopped.removed.iter().filter(|record| is_gone(record.first, record.last));
    let removed = removed.map(|record| Gone {
        seqs: (record.first, record.last),
        times: (record.first_at, record.last_at),
        cause: record.cause,
        counts: record.counts.clone(),
    });
    partitions.extend(stopped.set_aside.iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        PartStat { state: "damaged".to_owned(), bytes: bytes_in(path), ..PartStat::new(name) }
    }));
    let directory = &stopped.directory;
    Ok(Stat { id: directory.id().to_owned(), format: directory.format(), partitions, removed: removed.collect() })
}

impl PartStat {
    fn new(name: String) -> PartStat {
        PartStat {
            name,
            state: String::new(),
            seqs: None,
            times: None,
            counts: Vec::new(),
            lost: 0,
            bytes: 0,
            problem: None,
        }
    }

    /// How many events were recorded in it.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.counts.iter().map(|row| row.count).sum()
    }
}

fn part(journal: &Path, found: &Found) -> Result<PartStat, OpenError> {
    let stat = PartStat { bytes: bytes_in(&found.dir), ..PartStat::new(found.name.to_string()) };
    if let Ok(Some(run)) = &found.sealed {
        let (meta, seal) = (run.meta(), run.meta().seal.clone().unwrap_or_default());
        return Ok(PartStat {
            state: seal.kept.to_string(),
            seqs: Some((meta.first, meta.last)),
            times: Some((meta.first_at, meta.last_at)),
            counts: meta.counts.clone(),
            lost: seal.holes.iter().map(|(first, last)| last.0 - first.0 + 1).sum(),
            ..stat
        });
    }
    let failed = |source| OpenError::Directory { dir: found.dir.clone(), source };
    let scratch = Scratch::of(journal, found).map_err(failed)?;
    match Part::open(scratch.dir(), found.name, Options::default().run_events_max) {
        Ok((part, _)) => {
            let span = part.span();
            let seqs = span.map(|Span { first, last, .. }| (first, last));
            let times = span.map(|Span { first_at, last_at, .. }| (first_at, last_at));
            Ok(PartStat { state: "open".to_owned(), seqs, times, counts: part.counts(), ..stat })
        }
        Err(newer @ (ReadError::Newer { .. } | ReadError::NewerRun { .. })) => {
            Err(OpenError::Database { dir: found.dir.clone(), source: newer })
        }
        Err(error) => Ok(PartStat { state: "damaged".to_owned(), problem: Some(error.to_string()), ..stat }),
    }
}
