//! Checking a journal: everything is read, partition by partition.

use std::path::Path;
use std::sync::Arc;

use crate::journal::block::Hash;
use crate::journal::end;
use crate::journal::error::{OpenError, ReadError};
use crate::journal::index::{Meta, RUN_SUFFIX, Run};
use crate::journal::open::Hole;
use crate::journal::removed::{Cause, Removed};
use crate::journal::store::{FILE, Head, Store};
use crate::model::{Seq, Timestamp};

use super::blocks::{Before, Expected, Reading};
use super::lookup::Lookup;
use super::problem::{Damage, Problem, Problems};
use super::scratch::Scratch;
use super::stopped::{Found, Stopped};

/// What sled may keep of a database that is read once, from its beginning to its end.
const CACHE_BYTES: u64 = 4 << 20;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Partitions that were read.
    pub partitions: usize,
    /// Events that were read.
    pub events: u64,
    /// What is not as it was written; none: the journal is sound.
    pub problems: Vec<Problem>,
    /// What is lost, and known to be since an earlier start: no problem any more.
    pub lost: Vec<Hole>,
}

/// Reads everything in the journal of a stopped hoptrail.
///
/// # Errors
/// [`OpenError`]: there is no journal, it is in use, it was written by a later version, or it cannot be read at all.
pub fn check(dir: &Path) -> Result<Report, OpenError> {
    let Stopped { directory: _lock, parts, removed, unreadable, .. } = Stopped::open(dir)?;
    let mut checking = Checking { dir, removed, before: Before::default(), problems: Problems::default(), events: 0 };
    // Nothing comes before the first event.
    checking.before.hash = Some(Hash::default());
    for path in &unreadable {
        checking.problems.add_beside(None, Damage::Record, format!("{} cannot be read", path.display()));
    }
    for (index, found) in parts.iter().enumerate() {
        let later = parts.get(index + 1..).unwrap_or_default();
        let next = later.iter().find_map(|part| part.sealed.as_ref().ok()?.as_ref());
        checking.part(found, next.map(Run::meta))?;
    }
    let lost = checking.lost(&parts);
    let Checking { problems: Problems(problems), events, .. } = checking;
    Ok(Report { partitions: parts.len(), events, problems, lost })
}

struct Checking<'a> {
    dir: &'a Path,
    removed: Vec<Removed>,
    before: Before,
    problems: Problems,
    events: u64,
}

impl Checking<'_> {
    fn part(&mut self, found: &Found, next: Option<&Meta>) -> Result<(), OpenError> {
        let failed = |source| OpenError::Directory { dir: found.dir.clone(), source };
        let newer = |source| OpenError::Database { dir: found.dir.clone(), source };
        let meta = found.sealed.as_ref().ok().and_then(|run| run.as_ref()).map(Run::meta);
        let had_end = found.dir.join(end::NAME).exists();
        let opened = match found.dir.join(FILE).exists() {
            true => {
                let scratch = Scratch::of(self.dir, found).map_err(failed)?;
                let store = Store::open(scratch.dir(), CACHE_BYTES);
                if !had_end {
                    // Opening made one.
                    drop(std::fs::remove_file(scratch.dir().join(end::NAME)));
                }
                store.map(|store| (store, scratch))
            }
            false => Err(ReadError::Gone { dir: found.dir.clone() }),
        };
        // The copy goes after the database is closed.
        let read = opened.and_then(|(store, scratch)| {
            let read = self.read(found, meta, &store);
            drop((store, scratch));
            read
        });
        match read {
            Ok(()) => {}
            Err(error @ (ReadError::Newer { .. } | ReadError::NewerRun { .. })) => return Err(newer(error)),
            Err(error) => self.lose_all(found, meta, next, &error),
        }
        Ok(())
    }

    /// Reads a partition whose database is open.
    fn read(&mut self, found: &Found, meta: Option<&Meta>, store: &Store) -> Result<(), ReadError> {
        let written = store.written_head()?;
        let starts = store.starts()?;
        let recorded = end::read(&found.dir);
        let (first, last, tail) = match (meta, starts.first(), written) {
            (Some(meta), ..) => (meta.first, (meta.last, meta.last_at), tail(meta)),
            (None, Some(first), Some(Head { last, last_at, hash })) => (*first, (last, last_at), Some(hash)),
            (None, None, None) if recorded.is_none() => return Ok(()),
            _ => return Err(ReadError::Index { what: "head" }),
        };
        store.marks()?;
        let first_at =
            meta.map(|meta| meta.first_at).or(store.header_at_or_after(first).ok().flatten().map(|h| h.first_at));
        self.border(found, first, first_at.unwrap_or(self.before.last_at));
        let runs = self.runs(found)?;
        let seal = meta.and_then(|meta| meta.seal.clone());
        let is_dense = match &seal {
            Some(seal) => seal.kept.general && seal.kept.critical && seal.kept.expired.is_empty(),
            // Of a partition whose index is damaged it is not known what retention has left.
            None => found.sealed.is_ok(),
        };
        let holes = seal.as_ref().map(|seal| seal.holes.as_slice()).unwrap_or_default();
        let lookup = Lookup::new(runs.iter().map(|run| &**run).collect(), last.0.0.saturating_sub(first.0));
        let expected = Expected { name: found.name, last, tail, is_dense, holes, lookup };
        let read = Reading::new(expected, self.before, &mut self.problems).all(store)?;
        self.events += read.events;
        self.before = Before { last: read.last, last_at: read.last_at, hash: border_hash(meta, holes, read.last) };
        if meta.is_none() && found.sealed.is_ok() {
            self.before.hash = written.map(|head| head.hash);
        }
        if let Err(error) = &found.sealed {
            let times = (first_at.unwrap_or_default(), last.1);
            self.problems.add(Some(found.name), (first, read.last), times, Damage::Derived, error.to_string());
        }
        self.end(found, written.map_or(read.last, |head| head.last));
        Ok(())
    }

    /// What lies between the partition before and the first number of this one.
    fn border(&mut self, found: &Found, first: Seq, first_at: Timestamp) {
        if first <= self.before.last {
            let seqs = (first, self.before.last);
            let what = "its numbers stand in the partition before it already".to_owned();
            self.problems.add(Some(found.name), seqs, (first_at, self.before.last_at), Damage::Foreign, what);
            self.before.hash = None;
        }
        let mut next = self.before.last.next();
        let gone = self.removed.iter().map(|record| (record.first, record.last));
        for (from, to) in gone.chain([(first, first)]).filter(|(from, _)| *from <= first).collect::<Vec<_>>() {
            if from > next {
                let times = (self.before.last_at.min(first_at), first_at);
                let what = "a partition is not there, and nothing tells why".to_owned();
                self.problems.add(None, (next, Seq(from.0 - 1)), times, Damage::Missing, what);
            }
            next = next.max(to.next());
        }
        if first > self.before.last.next() {
            // What the block before was is not known here.
            self.before.hash = None;
            self.before.last = Seq(first.0 - 1);
        }
    }

    /// The runs whose pages are sound.
    fn runs(&mut self, found: &Found) -> Result<Vec<Arc<Run>>, ReadError> {
        let mut paths = Vec::new();
        match &found.sealed {
            Ok(Some(run)) => paths.push(run.path().to_owned()),
            _ => {
                let files = std::fs::read_dir(&found.dir).map_err(sled::Error::from)?.flatten();
                paths.extend(files.map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(RUN_SUFFIX)));
            }
        }
        let mut runs = Vec::new();
        for path in paths {
            match Run::open(&path).and_then(|run| run.verify().map(|()| run)) {
                Ok(run) => runs.push(Arc::new(run)),
                Err(newer @ ReadError::NewerRun { .. }) => return Err(newer),
                Err(error) => self.problems.add_beside(Some(found.name), Damage::Derived, error.to_string()),
            }
        }
        Ok(runs)
    }

    /// The end file may say less than there is, but not more, and it is there.
    fn end(&mut self, found: &Found, last: Seq) {
        let bytes = std::fs::read(found.dir.join(end::NAME));
        let what = match (bytes, end::read(&found.dir)) {
            (_, Some(recorded)) if recorded <= last => return,
            (_, Some(recorded)) => {
                let seqs = (last.next(), recorded);
                let (from, to) = (self.before.last_at, Timestamp::start_of_day(found.name.day + 1));
                let what = format!("the database ends at {last}, and events up to {recorded} were recorded in it");
                if found.sealed.as_ref().is_ok_and(Option::is_some) {
                    // The chain has told already.
                    return;
                }
                self.problems.add(Some(found.name), seqs, (from, to), Damage::Missing, what);
                self.before = Before { last: recorded, last_at: from, hash: None };
                return;
            }
            // Not synced: after a power loss it may be empty.
            (Ok(bytes), None) if bytes.is_empty() => return,
            (Ok(_), None) => "its end file is damaged",
            (Err(_), None) => "its end file is not there",
        };
        self.problems.add_beside(Some(found.name), Damage::Derived, what.to_owned());
    }

    /// A partition of which nothing can be read.
    fn lose_all(&mut self, found: &Found, meta: Option<&Meta>, next: Option<&Meta>, error: &ReadError) {
        let first = meta.map_or(self.before.last.next(), |meta| meta.first);
        if let Some(meta) = meta {
            self.border(found, first, meta.first_at);
        }
        let by_end = end::read(&found.dir).map(|last| (last, Timestamp::start_of_day(found.name.day + 1)));
        let by_next = next.map(|next| (Seq(next.first.0.saturating_sub(1)), next.first_at));
        let last = meta.map(|meta| (meta.last, meta.last_at)).or(by_end).or(by_next);
        let Some((last, to)) = last.filter(|(last, _)| *last >= first) else {
            let what = format!("{error}; how many events it holds is not known");
            self.problems.add_beside(Some(found.name), Damage::Unreadable, what);
            self.before.hash = None;
            return;
        };
        let from = meta.map_or(self.before.last_at, |meta| meta.first_at);
        let times = (from, to.max(from));
        self.problems.add(Some(found.name), (first, last), times, Damage::Unreadable, error.to_string());
        let holes = meta.and_then(|meta| meta.seal.clone()).unwrap_or_default().holes;
        self.before = Before { last, last_at: times.1, hash: border_hash(meta, &holes, last) };
    }

    /// What earlier starts have found to be lost.
    fn lost(&self, parts: &[Found]) -> Vec<Hole> {
        let is_lost = |record: &&Removed| matches!(record.cause, Cause::Damaged | Cause::Missing);
        let gone = self.removed.iter().filter(is_lost).map(|record| Hole {
            seqs: record.first..=record.last,
            from: record.first_at,
            to: record.last_at,
        });
        let sealed = parts.iter().filter_map(|part| part.sealed.as_ref().ok()?.as_ref());
        let holes = sealed.flat_map(|run| {
            let Meta { first_at: from, last_at: to, .. } = *run.meta();
            let seal = run.meta().seal.clone().unwrap_or_default();
            seal.holes.into_iter().map(move |(first, last)| Hole { seqs: first..=last, from, to })
        });
        let mut lost: Vec<Hole> = gone.chain(holes).collect();
        lost.sort_by_key(|hole| *hole.seqs.start());
        lost
    }
}

/// Hash of a sealed partition's last block, as it is now.
fn tail(meta: &Meta) -> Option<Hash> {
    parse(&meta.seal.as_ref()?.tail)
}

/// What the first block of the next partition has to name; `None`: the last blocks of this one are lost.
fn border_hash(meta: Option<&Meta>, holes: &[(Seq, Seq)], last: Seq) -> Option<Hash> {
    let seal = meta?.seal.as_ref()?;
    if holes.iter().any(|hole| hole.0 <= last && last <= hole.1) { None } else { parse(&seal.hash) }
}

fn parse(hex: &str) -> Option<Hash> {
    blake3::Hash::from_hex(hex).ok().map(|hash| *hash.as_bytes())
}
