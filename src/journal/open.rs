//! Opening a journal: its partitions, their damage, and the end from which the journal goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Seq, Timestamp};

use super::dirs::{Entry, entries, part_dir, remove_dir, set_aside};
use super::end;
use super::error::{OpenError, ReadError};
use super::files;
use super::hole::{Hole, SetAside};
use super::identity::{Directory, sync_dir};
use super::options::Options;
use super::part::{Part, PartName};
use super::parts::Parts;
use super::removed::{self, Cause, Removed};
use super::salvage::{Salvage, salvage};
use super::store::Head;

/// An opened journal.
pub(super) struct Opened {
    pub(super) parts: Parts,
    /// The journal's end.
    pub(super) head: Head,
    /// Partitions that are not sealed yet, each with its end. The newest may still take events.
    pub(super) unsealed: Vec<(Arc<Part>, Head)>,
    pub(super) set_aside: Vec<SetAside>,
}

/// Opens every partition. Damaged partitions are set aside.
pub(super) fn open(dir: &Path, options: Options) -> Result<Opened, OpenError> {
    files::allow_many();
    let directory = Directory::open(dir)?;
    let names = tidy(dir)?;
    let mut gone = removed::load(dir)?;
    let mut opening = Opening {
        dir,
        options,
        head: Head::default(),
        list: Vec::new(),
        unsealed: Vec::new(),
        set_aside: Vec::new(),
        hole_is_open: false,
    };
    for name in names {
        opening.add(name, &mut gone)?;
    }
    opening.skip(gone.into_iter());
    let Opening { head, list, unsealed, set_aside, .. } = opening;
    Ok(Opened { parts: Parts::new(directory, options, list, head.last), head, unsealed, set_aside })
}

/// The newest generation of each partition, in order. Everything older or unfinished is removed.
fn tidy(dir: &Path) -> Result<Vec<PartName>, OpenError> {
    let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
    // This function acts on the renames of a killed process, so a power loss must not undo them.
    sync_dir(dir).map_err(failed)?;
    let mut names: BTreeMap<(i64, u32), PartName> = BTreeMap::new();
    for entry in entries(dir)? {
        match entry {
            Entry::Part(name) => {
                let known = names.entry(name.id()).or_insert(name);
                let older = (*known).min(name);
                *known = (*known).max(name);
                if older != *known {
                    remove_dir(&part_dir(dir, older)).map_err(failed)?;
                }
            }
            Entry::Unfinished(path) => std::fs::remove_dir_all(path).map_err(failed)?,
            Entry::Damaged(_) => {}
            Entry::Unreleased(path) => return Err(OpenError::unreleased(dir, &path)),
        }
    }
    Ok(names.into_values().collect())
}

/// A journal being opened, partition by partition.
struct Opening<'a> {
    dir: &'a Path,
    options: Options,
    head: Head,
    list: Vec<Arc<Part>>,
    unsealed: Vec<(Arc<Part>, Head)>,
    set_aside: Vec<SetAside>,
    /// The partition that was just set aside may have held events up to the next partition.
    hole_is_open: bool,
}

impl Opening<'_> {
    /// Moves the head over partitions that are known to be gone.
    fn skip(&mut self, gone: impl Iterator<Item = Removed>) {
        for record in gone {
            if record.last <= self.head.last {
                continue;
            }
            self.head = Head { last: record.last, last_at: record.last_at.max(self.head.last_at), ..self.head };
        }
    }

    fn add(&mut self, name: PartName, gone: &mut Vec<Removed>) -> Result<(), OpenError> {
        let dir = part_dir(self.dir, name);
        let opened = match Part::open_sealed(&dir, name) {
            Ok(Some((part, head))) => Ok((part, Some(head))),
            Ok(None) => Part::open(&dir, name, self.options.run_events_max),
            Err(error) => Err(error),
        };
        match opened {
            // The process ended while it made the partition. Nothing was committed in it: not even the marks are there.
            Ok((part, None)) => {
                drop(part);
                remove_dir(&dir).map_err(|source| OpenError::Directory { dir, source })
            }
            Ok((part, Some(head))) => self.take(Arc::new(part), head, gone),
            Err(source @ (ReadError::Newer { .. } | ReadError::NewerRun { .. })) => {
                Err(OpenError::Database { dir, source })
            }
            Err(error) => self.put_aside(name, &dir, &error, gone),
        }
    }

    fn take(&mut self, part: Arc<Part>, head: Head, gone: &mut Vec<Removed>) -> Result<(), OpenError> {
        if let Some(span) = part.span() {
            let later = gone.partition_point(|record| record.last < span.first);
            self.skip(gone.drain(..later));
            // The partition is not gone: its removal was under way, or it has been salvaged since.
            gone.retain(|record| record.first > span.last);
            if span.first > self.head.last.next() {
                self.miss(span.first, span.first_at)?;
            }
            self.hole_is_open = false;
        }
        self.head = head;
        if part.sealed().is_none() {
            self.unsealed.push((part.clone(), self.head));
        }
        self.list.push(part);
        Ok(())
    }

    /// Notes a hole before `next` that no record explains: a damaged partition held more than was known of it, or a
    /// directory is not there.
    fn miss(&mut self, next: Seq, to: Timestamp) -> Result<(), OpenError> {
        let hole = Hole { seqs: self.head.last.next()..=Seq(next.0 - 1), from: self.head.last_at, to };
        let cause = if self.hole_is_open { Cause::Damaged } else { Cause::Missing };
        self.note_gone(cause, &hole)?;
        match self.set_aside.last_mut().filter(|_| self.hole_is_open) {
            Some(aside) => aside.lost.push(hole),
            // Partitions before the first one may have been removed so long ago that no record of them is left.
            None if self.head.last == Seq::default() => {}
            None => self.set_aside.push(SetAside {
                dir: self.dir.to_owned(),
                reason: "the directory of a partition is not there".to_owned(),
                salvaged: 0,
                lost: vec![hole],
            }),
        }
        Ok(())
    }

    fn put_aside(
        &mut self,
        name: PartName,
        dir: &Path,
        error: &ReadError,
        gone: &mut Vec<Removed>,
    ) -> Result<(), OpenError> {
        let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
        let known_last = end::read(dir);
        // The beginning of the damaged partition is not known. Events known to be gone right before it are not its
        // loss.
        let mut before = self.head.last;
        let mut is_earlier = |record: &Removed| {
            let is_next = record.first == before.next() && known_last.is_none_or(|last| record.last < last);
            before = if is_next { record.last } else { before };
            is_next
        };
        let earlier = gone.iter().take_while(|record| is_earlier(record)).count();
        self.skip(gone.drain(..earlier));
        let task =
            Salvage { journal: self.dir, damaged: dir, name, before: self.head, known_last, options: &self.options };
        let found = salvage(&task).map_err(failed)?;
        if found.part.is_none() && found.lost.is_empty() && known_last.is_none() {
            // The partition was being made when the process ended.
            return remove_dir(dir).map_err(failed);
        }
        for hole in found.lost.iter().filter(|_| found.part.is_none()) {
            self.note_gone(Cause::Damaged, hole)?;
        }
        let target = set_aside(dir).map_err(failed)?;
        self.set_aside.push(SetAside {
            dir: target,
            reason: error.to_string(),
            salvaged: found.salvaged,
            lost: found.lost,
        });
        self.head = found.head;
        self.hole_is_open = true;
        self.list.extend(found.part);
        Ok(())
    }

    /// Writes down the missing events, so that the next start knows of them.
    fn note_gone(&self, cause: Cause, hole: &Hole) -> Result<(), OpenError> {
        let seqs = (*hole.seqs.start(), *hole.seqs.end());
        let written = Removed::new(cause, seqs, (hole.from, hole.to), Vec::new()).write(self.dir);
        written.map_err(|source| OpenError::Directory { dir: self.dir.to_owned(), source })
    }
}
