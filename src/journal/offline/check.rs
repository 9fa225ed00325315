//! Checking a journal: everything is read, partition by partition.

use std::path::Path;
use std::sync::Arc;

use crate::journal::block::Hash;
use crate::journal::blocks::Blocks;
use crate::journal::end;
use crate::journal::error::{OpenError, ReadError};
use crate::journal::hole::Hole;
use crate::journal::index::{Meta, RUN_SUFFIX, Run};
use crate::journal::options::Options;
use crate::journal::removed::{Cause, Removed};
use crate::journal::salvage::{Salvage, Survey, survey};
use crate::journal::sealed::SealedStore;
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
    for found in &parts {
        checking.part(found)?;
    }
    let lost = checking.lost(&parts);
    let Checking { problems: Problems(problems), events, .. } = checking;
    Ok(Report { partitions: parts.len(), events, problems, lost })
}

/// A partition that is open.
struct Open {
    blocks: Blocks,
    /// Where the database says that it ends.
    written: Option<Head>,
    /// Goes after the database is closed.
    _scratch: Option<Scratch>,
}

struct Checking<'a> {
    dir: &'a Path,
    removed: Vec<Removed>,
    before: Before,
    problems: Problems,
    events: u64,
}

impl Checking<'_> {
    fn part(&mut self, found: &Found) -> Result<(), OpenError> {
        let meta = found.sealed.as_ref().ok().and_then(|run| run.as_ref()).map(Run::meta);
        match meta {
            Some(meta) => self.border(found, meta.first, meta.first_at),
            None => self.skip_gone(found),
        }
        let (known, start) = (self.problems.0.len(), self.before);
        let reason = match self.open(found)? {
            Ok(opened) => self.read(found, meta, &opened).err(),
            Err(error) => Some(error),
        };
        if let Some(source @ (ReadError::Newer { .. } | ReadError::NewerRun { .. })) = reason {
            return Err(OpenError::Database { dir: found.dir.clone(), source });
        }
        let is_lost = |problem: &Problem| {
            problem.partition.is_some() && matches!(problem.damage, Damage::Unreadable | Damage::Missing)
        };
        let told = self.problems.0.iter().skip(known).find(|problem| is_lost(problem));
        if let Some(reason) = reason.map(|error| error.to_string()).or(told.map(|problem| problem.what.clone())) {
            let mut index = 0;
            self.problems.0.retain(|problem| {
                index += 1;
                index <= known || !is_lost(problem)
            });
            self.survey(found, meta, start, &reason)?;
        }
        Ok(())
    }

    /// Opens a partition: a sealed one by its index, of another a copy by sled.
    fn open(&self, found: &Found) -> Result<Result<Open, ReadError>, OpenError> {
        if !found.dir.join(FILE).exists() {
            return Ok(Err(ReadError::Gone { dir: found.dir.clone() }));
        }
        if let Ok(Some(run)) = &found.sealed {
            let opened = run.places().and_then(|places| SealedStore::open(&found.dir, places));
            let open = |store| Open { blocks: Blocks::Sealed(Arc::new(store)), written: None, _scratch: None };
            return Ok(opened.map(open));
        }
        let scratch = Scratch::of(self.dir, found);
        let scratch = scratch.map_err(|source| OpenError::Directory { dir: found.dir.clone(), source })?;
        let opened = Store::open(scratch.dir(), CACHE_BYTES).and_then(|store| {
            store.marks()?;
            let written = store.written_head()?;
            Ok(Open { blocks: Blocks::Open(Arc::new(store)), written, _scratch: Some(scratch) })
        });
        Ok(opened)
    }

    /// Where it is not known at which number a partition begins, it is after those that are known to be gone.
    fn skip_gone(&mut self, found: &Found) {
        let known_last = end::read(&found.dir);
        for record in &self.removed {
            if record.first == self.before.last.next() && known_last.is_none_or(|last| record.last < last) {
                self.before = Before { last: record.last, last_at: record.last_at, hash: None };
            }
        }
    }

    /// Tells what of a damaged partition is lost, by reading its file as salvage does.
    fn survey(&mut self, found: &Found, meta: Option<&Meta>, before: Before, reason: &str) -> Result<(), OpenError> {
        let task = Salvage {
            journal: self.dir,
            damaged: &found.dir,
            name: found.name,
            before: Head { last: before.last, last_at: before.last_at, hash: before.hash.unwrap_or_default() },
            known_last: end::read(&found.dir),
            options: &Options::default(),
        };
        let surveyed = survey(&task).map_err(|source| OpenError::Directory { dir: found.dir.clone(), source })?;
        let Survey { events, lost, last, last_at } = surveyed;
        self.events += events;
        for hole in &lost {
            let (seqs, times) = ((*hole.seqs.start(), *hole.seqs.end()), (hole.from, hole.to));
            self.problems.add(Some(found.name), seqs, times, Damage::Unreadable, reason.to_owned());
        }
        // A partition that was being made when the process ended holds nothing, and never did.
        if lost.is_empty() && events > 0 {
            let from = meta.map_or(before.last_at, |meta| meta.first_at);
            let what = format!("{reason}; all of its {events} events can be saved");
            let seqs = (before.last.next(), last);
            self.problems.add(Some(found.name), seqs, (from, last_at.max(from)), Damage::Derived, what);
        }
        let mut holes = meta.and_then(|meta| meta.seal.clone()).unwrap_or_default().holes;
        holes.extend(lost.iter().map(|hole| (*hole.seqs.start(), *hole.seqs.end())));
        let last_at = meta.map_or(last_at, |meta| meta.last_at).max(before.last_at);
        self.before = Before { last, last_at, hash: border_hash(meta, &holes, last) };
        Ok(())
    }

    /// Reads a partition that is open.
    fn read(&mut self, found: &Found, meta: Option<&Meta>, open: &Open) -> Result<(), ReadError> {
        let Open { blocks, written, .. } = open;
        let starts = blocks.starts()?;
        let recorded = end::read(&found.dir);
        let (first, last, tail) = match (meta, starts.first(), *written) {
            (Some(meta), ..) => (meta.first, (meta.last, meta.last_at), tail(meta)),
            (None, Some(first), Some(Head { last, last_at, hash })) => (*first, (last, last_at), Some(hash)),
            (None, None, None) if recorded.is_none() => return Ok(()),
            _ => return Err(ReadError::Index { what: "head" }),
        };
        let first_at = match meta {
            Some(meta) => meta.first_at,
            None => {
                let first_at = blocks.header_at_or_before(first)?.map_or(self.before.last_at, |header| header.first_at);
                self.border(found, first, first_at);
                first_at
            }
        };
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
        let known = self.problems.0.len();
        let read = Reading::new(expected, self.before, &mut self.problems).all(blocks)?;
        let is_lost = |problem: &Problem| matches!(problem.damage, Damage::Unreadable | Damage::Missing);
        if self.problems.0.iter().skip(known).any(is_lost) {
            // What is lost, and how many are not, the partition's file will tell.
            return Ok(());
        }
        self.events += read.events;
        self.before = Before { last: read.last, last_at: read.last_at, hash: border_hash(meta, holes, read.last) };
        if meta.is_none() && found.sealed.is_ok() {
            self.before.hash = written.map(|head| head.hash);
        }
        if let Err(error) = &found.sealed {
            let times = (first_at, last.1);
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
