//! Salvage: the readable events of a damaged partition go into a fresh one.
//!
//! Works on the bytes of sled's file, not through sled. Every value names its kind and carries its checksum, so salvage
//! can find it anywhere in the file. The file may have several versions of a block. A crash may discard a block before
//! it is acknowledged, and its number is then used again. The chain of hashes shows which one is valid.

mod carve;
mod choose;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::model::{Seq, Timestamp};

use super::block::{Opened, Opener};
use super::dirs::{NEW_SUFFIX, part_dir};
use super::error::AppendError;
use super::hole::Hole;
use super::identity::sync_dir;
use super::index::{Meta, Outer, Run, SEALED_FILE, Seal};
use super::options::Options;
use super::part::{Part, PartName, hex};
use super::store::{Commit, FILE, Head};
pub(super) use carve::Carved;
use choose::Chosen;

/// Blocks written at a time.
const COMMIT_BLOCKS: usize = 128;

/// What is to be salvaged.
pub(super) struct Salvage<'a> {
    pub(super) journal: &'a Path,
    /// Where the damaged partition lies.
    pub(super) damaged: &'a Path,
    /// Its name.
    pub(super) name: PartName,
    /// Where the journal ends before it.
    pub(super) before: Head,
    /// The last event that was committed in it, as far as that is known.
    pub(super) known_last: Option<Seq>,
    pub(super) options: &'a Options,
}

/// What came of it.
pub(super) struct Salvaged {
    /// The fresh partition, sealed; `None`: nothing could be read.
    pub(super) part: Option<Arc<Part>>,
    /// Its events.
    pub(super) salvaged: u64,
    /// What is lost.
    pub(super) lost: Vec<Hole>,
    /// Where the journal ends now.
    pub(super) head: Head,
}

/// What a damaged partition still holds.
pub(super) struct Survey {
    /// Events that can be read.
    pub(super) events: u64,
    /// What is lost, beyond what was lost before.
    pub(super) lost: Vec<Hole>,
    /// Its last number, lost or not.
    pub(super) last: Seq,
    /// Time of the last event that can be read.
    pub(super) last_at: Timestamp,
}

/// Tells what [`salvage`] would find, and writes nothing.
pub(super) fn survey(task: &Salvage<'_>) -> io::Result<Survey> {
    let known = known(task);
    let carved = Carved::read(task.damaged)?;
    let chosen = choose::choose(&carved, task.before, known_last(task, known.as_ref()));
    let mut opener = Opener::new().map_err(io::Error::other)?;
    let mut progress = Progress::new(task.before);
    for candidate in &chosen.blocks {
        if let Ok((_, opened)) = carved.open(candidate, &chosen.strings, &mut opener) {
            progress.take(&opened);
        }
    }
    let last = progress.end(task, known.as_ref());
    let Progress { events, head, lost } = progress;
    Ok(Survey { events, lost, last, last_at: head.last_at })
}

/// Salvages what is readable; the damaged files stay as they are.
pub(super) fn salvage(task: &Salvage<'_>) -> io::Result<Salvaged> {
    let known = known(task);
    let carved = Carved::read(task.damaged)?;
    let chosen = choose::choose(&carved, task.before, known_last(task, known.as_ref()));
    let fresh = task.journal.join(format!("{}{NEW_SUFFIX}", task.name.rewritten()));
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)?;
    }
    let (part, mut progress) = write(task, &carved, &chosen, &fresh)?;
    let end = progress.end(task, known.as_ref());
    let Progress { events, head, lost } = progress;
    let end_at = lost.last().map_or(head.last_at, |hole| hole.to.max(head.last_at));
    if events == 0 {
        drop(part);
        std::fs::remove_dir_all(&fresh)?;
        let head = Head { last: end.max(task.before.last), last_at: end_at, ..task.before };
        return Ok(Salvaged { part: None, salvaged: 0, lost, head });
    }
    let end_at = known.as_ref().map_or(end_at, |meta| meta.last_at);
    let outer = Outer {
        first: known.as_ref().map(|meta| (meta.first, meta.first_at)),
        last: Some((end, end_at)),
        counts: known.as_ref().map(|meta| meta.counts.clone()),
    };
    part.seal_as(seal(known, head, &lost), outer, &AtomicBool::new(false))?;
    drop(part);
    let (part, head) = publish(task.journal, &fresh, task.name.rewritten())?;
    Ok(Salvaged { part: Some(part), salvaged: events, lost, head })
}

/// What the partition's index says, where it can be read.
fn known(task: &Salvage<'_>) -> Option<Meta> {
    Run::open(&task.damaged.join(SEALED_FILE)).ok().map(|run| run.meta().clone())
}

fn known_last(task: &Salvage<'_>, known: Option<&Meta>) -> Option<Seq> {
    known.map(|meta| meta.last).or(task.known_last)
}

/// Blocks that are read one after the other.
struct Progress {
    events: u64,
    head: Head,
    lost: Vec<Hole>,
}

impl Progress {
    fn new(before: Head) -> Progress {
        Progress { events: 0, head: before, lost: Vec::new() }
    }

    /// The next block. A dense partition's holes show in the numbers, a sparse one's only in the chain.
    fn take(&mut self, opened: &Opened) {
        let (header, head) = (opened.header, &mut self.head);
        if header.previous != head.hash && header.first > head.last.next() {
            let seqs = head.last.next()..=Seq(header.first.0 - 1);
            self.lost.push(Hole { seqs, from: head.last_at, to: header.first_at });
        }
        *head = Head { last: header.last, last_at: header.last_at, hash: opened.hash };
        self.events += opened.events.len() as u64;
    }

    /// After the last block: where the partition ended, and what of it is lost besides.
    fn end(&mut self, task: &Salvage<'_>, known: Option<&Meta>) -> Seq {
        let head = self.head;
        let end = known_last(task, known).unwrap_or(head.last).max(head.last);
        if end > head.last && !is_whole(known, head) {
            let to = known.map_or_else(|| written_until(task), |meta| meta.last_at);
            self.lost.push(Hole { seqs: head.last.next()..=end, from: head.last_at, to: to.max(head.last_at) });
        }
        // What was lost before has been told.
        let holes = known.and_then(|meta| meta.seal.as_ref()).map(|seal| seal.holes.as_slice()).unwrap_or_default();
        let is_known =
            |hole: &Hole| holes.iter().any(|(first, last)| first <= hole.seqs.start() && hole.seqs.end() <= last);
        self.lost.retain(|hole| !is_known(hole));
        end
    }
}

/// When the partition was last written, as its file says, and never later than its day: the journal's time must not run
/// ahead because something is lost.
fn written_until(task: &Salvage<'_>) -> Timestamp {
    let midnight = Timestamp::start_of_day(task.name.day + 1);
    let changed = std::fs::metadata(task.damaged.join(FILE)).and_then(|file| file.modified());
    let since = changed.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(midnight, |since| Timestamp::default().after(since).min(midnight))
}

/// Retention has taken the partition's end, and what is left ends where it should.
fn is_whole(known: Option<&Meta>, head: Head) -> bool {
    known.and_then(|meta| meta.seal.as_ref()).is_some_and(|seal| seal.tail == hex(head.hash))
}

fn seal(known: Option<Meta>, head: Head, lost: &[Hole]) -> Seal {
    let mut seal = known.and_then(|meta| meta.seal).unwrap_or_default();
    if seal.hash.is_empty() {
        seal.hash = hex(head.hash);
    }
    seal.tail = hex(head.hash);
    seal.holes.extend(lost.iter().map(|hole| (*hole.seqs.start(), *hole.seqs.end())));
    seal
}

/// Gives a partition that was written at `fresh`, and closed, its name: from then on it is there.
pub(super) fn publish(journal: &Path, fresh: &Path, name: PartName) -> io::Result<(Arc<Part>, Head)> {
    let dir = part_dir(journal, name);
    std::fs::rename(fresh, &dir)?;
    sync_dir(journal)?;
    let opened = Part::open_sealed(&dir, name).map_err(io::Error::other)?;
    let (part, head) = opened.ok_or_else(|| io::Error::other("the partition just written cannot be opened"))?;
    Ok((Arc::new(part), head))
}

/// Writes the chosen blocks as they are; those that do not decode are lost.
fn write(task: &Salvage<'_>, carved: &Carved, chosen: &Chosen<'_>, fresh: &Path) -> io::Result<(Part, Progress)> {
    let part = Part::create(fresh, task.name.rewritten()).map_err(io::Error::other)?;
    let mut opener = Opener::new().map_err(io::Error::other)?;
    let mut progress = Progress::new(task.before);
    let mut marks: Vec<_> = carved.marks.clone().into_iter().map(|(name, (_, mark))| (name, mark)).collect();
    let mut strings = (0, chosen.strings.clone());
    for group in chosen.blocks.chunks(COMMIT_BLOCKS) {
        let (mut blocks, mut events) = (Vec::new(), Vec::new());
        for candidate in group {
            let Ok((sealed, opened)) = carved.open(candidate, &chosen.strings, &mut opener) else { continue };
            progress.take(&opened);
            blocks.push(sealed);
            events.extend(opened.events);
        }
        if blocks.is_empty() {
            continue;
        }
        let (fresh_strings, marks) = (std::mem::take(&mut strings), std::mem::take(&mut marks));
        let commit = Commit { blocks, fresh_strings, marks, head: progress.head };
        part.commit(commit, &events).map_err(|error: AppendError| io::Error::other(error))?;
        while part.freeze(task.options.run_events_max) && part.write_frozen()? {}
    }
    Ok((part, progress))
}
