//! The one writer: numbers events, packs them into blocks, and makes them durable.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Event, Seq, Timestamp};

use super::block::Packer;
use super::error::{AppendError, OpenError};
use super::hole::SetAside;
use super::indexer::Indexer;
use super::mark::Mark;
use super::open::{self, Opened};
use super::options::Options;
use super::part::Part;
use super::parts::Parts;
use super::reader::Reader;
use super::retention::{Keeper, Policy};
use super::store::{Commit, Head};
use super::strings::Interner;

/// Appends to a journal. A journal has one writer: its directory is locked.
pub struct Writer {
    // The indexer stands before the partitions, so it has ended when they are closed.
    indexer: Indexer,
    parts: Arc<Parts>,
    current: Option<(Arc<Part>, Interner)>,
    packer: Packer,
    marks: BTreeMap<String, Mark>,
    head: Head,
    state: State,
}

/// Whether the writer takes events.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The writer takes events.
    Open,
    /// The disk was full in the middle of an append. Its events have their numbers, and some may be durable.
    Full,
    /// The writer never takes events again.
    Poisoned,
}

impl Writer {
    /// Opens the journal in `dir`, making it where it is missing. Damaged partitions are set aside and reported. Their
    /// readable events are in the journal again; the journal goes on after them.
    ///
    /// # Errors
    /// [`OpenError`]: the directory cannot be used, is in use, or was written by a later version.
    pub fn open(dir: &Path) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
        Self::open_with(dir, Options::default())
    }

    /// Opens the journal as [`Self::open`] does, with other sizes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(dir: &Path, options: Options) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
        let Opened { parts, head, unsealed, set_aside } = open::open(dir, options.bounded())?;
        let parts = Arc::new(parts);
        let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
        let mut writer = Writer {
            indexer: Indexer::start().map_err(failed)?,
            current: None,
            packer: Packer::new().map_err(failed)?,
            marks: BTreeMap::new(),
            head,
            state: State::Open,
            parts: parts.clone(),
        };
        let newest = parts.newest();
        for (part, head) in unsealed {
            if newest.as_ref().is_some_and(|newest| newest.name() == part.name()) {
                part.freeze(options.run_events_max);
                writer.indexer.write(&part);
                let store = part.store().map_err(|source| database(&part, source))?;
                writer.current = Some((part, Interner::new(&store.strings())));
            } else {
                writer.indexer.seal(&part, head);
            }
        }
        if let Some(newest) = newest {
            writer.marks = newest.marks().map_err(|source| database(&newest, source))?;
        }
        Ok((writer, Reader::new(parts), set_aside))
    }

    /// The point up to which each source is recorded, earlier runs included.
    #[must_use]
    pub fn marks(&self) -> &BTreeMap<String, Mark> {
        &self.marks
    }

    /// The keeper of this journal's partitions; there should be one.
    #[must_use]
    pub fn keeper(&self, policy: Policy) -> Keeper {
        Keeper::new(self.parts.clone(), policy)
    }

    /// Time of the newest event.
    #[must_use]
    pub fn last_at(&self) -> Timestamp {
        self.head.last_at
    }

    /// The first event of the partition that takes events now. An event should not refer to an earlier one. `None`: the
    /// next event begins a partition.
    #[must_use]
    pub fn oldest_in_part(&self) -> Option<Seq> {
        let (part, _) = self.current.as_ref()?;
        part.span().map(|span| span.first)
    }

    /// The number of the newest event.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.head.last
    }

    /// Numbers the events, never lets their time go back, and makes them durable together with `marks`. When this
    /// returns `Ok`, a power loss does not take them away.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Full`] the caller tries again with the same events, as often as needed;
    /// after any other error the journal takes no more events.
    pub fn append(&mut self, events: &mut [Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let result = match self.state {
            State::Poisoned => return Err(AppendError::Poisoned),
            State::Open => {
                self.number(events);
                self.try_append(events, marks)
            }
            State::Full => self.reopen().and_then(|()| self.append_rest(events, marks)),
        };
        self.state = match &result {
            Ok(()) => State::Open,
            Err(AppendError::Full { source, .. }) => {
                // If no write failed, the database is as it should be.
                if source.is_some() {
                    self.current = None;
                }
                State::Full
            }
            Err(_) => State::Poisoned,
        };
        result
    }

    fn number(&self, events: &mut [Event]) {
        let (mut seq, mut at) = (self.head.last, self.head.last_at);
        for event in events.iter_mut() {
            seq = seq.next();
            at = at.max(event.at);
            event.seq = seq;
            event.at = at;
        }
    }

    fn try_append(&mut self, events: &[Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        self.marks.extend(marks.iter().cloned());
        let last = events.last().map_or(Seq::default(), |event| event.seq);
        for of_one_day in events.chunk_by(|a, b| a.at.day() == b.at.day()) {
            let is_last = of_one_day.last().is_some_and(|event| event.seq == last);
            self.commit(of_one_day, if is_last { marks } else { &[] })?;
        }
        Ok(())
    }

    /// Commits events of one day. A new database gets all marks, so that it stands for itself.
    fn commit(&mut self, events: &[Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let (part, mut interner) = self.part_for(first.at.day())?;
        let is_new = part.span().is_none();
        let mut head = Head { last: last.seq, last_at: last.at, hash: self.head.hash };
        let oldest = part.span().map_or(first.seq, |span| span.first);
        let blocks = self.packer.pack(events, oldest, &mut interner, &mut head.hash);
        let marks = if is_new { self.marks.clone().into_iter().collect() } else { marks.to_vec() };
        let commit = Commit { blocks, fresh_strings: interner.take_fresh(), marks, head };
        part.commit(commit, events)?;
        self.head = head;
        self.parts.commit(head.last);
        if part.freeze(self.parts.options().run_events_max) {
            self.indexer.write(&part);
        }
        self.current = Some((part, interner));
        Ok(())
    }

    /// The partition that takes the events of a day. It is a new one if the current one is full or of another day.
    fn part_for(&mut self, day: i64) -> Result<(Arc<Part>, Interner), AppendError> {
        if let Some(cause) = self.indexer.failed() {
            return Err(AppendError::Index(cause));
        }
        if let Some((part, interner)) = self.current.take() {
            if part.is_behind() && !self.indexer.wait_for_room(&part) {
                self.current = Some((part, interner));
                return Err(AppendError::Full { what: "the index is behind".into(), source: None });
            }
            if part.name().day == day && !self.is_full(&part)? {
                return Ok((part, interner));
            }
            self.indexer.seal(&part, self.head);
        }
        let part = self.parts.begin(day)?;
        Ok((part, Interner::default()))
    }

    fn is_full(&self, part: &Part) -> Result<bool, AppendError> {
        let Options { part_events_max, part_bytes_max, .. } = *self.parts.options();
        let events = part.span().map_or(0, |span| span.last.0 - span.first.0 + 1);
        Ok(events >= part_events_max || part.store().map_err(AppendError::Reopen)?.disk_bytes() >= part_bytes_max)
    }

    /// Opens the newest partition again after the disk was full, as a restart would.
    fn reopen(&mut self) -> Result<(), AppendError> {
        if self.current.is_some() {
            return Ok(());
        }
        // A full partition already belongs to the indexer. The next append begins another.
        let Some(newest) = self.parts.newest().filter(|part| !part.is_closed()) else { return Ok(()) };
        newest.close();
        let run_events_max = self.parts.options().run_events_max;
        let opened = Part::open(newest.dir(), newest.name(), run_events_max).map_err(AppendError::reopen)?;
        let (part, head) = (Arc::new(opened.0), opened.1);
        self.parts.replace(&newest, Some(part.clone()));
        if part.freeze(run_events_max) {
            self.indexer.write(&part);
        }
        if let Some(head) = head {
            self.head = head;
            self.parts.commit(head.last);
        }
        let store = part.store().map_err(AppendError::Reopen)?;
        self.current = Some((part, Interner::new(&store.strings())));
        Ok(())
    }

    /// Appends the events that did not become durable before the disk was full.
    fn append_rest(&mut self, events: &[Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let durable = events.partition_point(|event| event.seq <= self.head.last);
        let rest = events.get(durable..).unwrap_or_default();
        self.try_append(rest, marks)
    }
}

fn database(part: &Part, source: super::error::ReadError) -> OpenError {
    OpenError::Database { dir: part.dir().to_owned(), source }
}
