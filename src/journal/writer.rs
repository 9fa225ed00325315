//! The one writer: numbers events, packs them into blocks, and makes them durable.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Event, Seq, Timestamp};

use super::block::Packer;
use super::day::{Commit, Day, Head};
use super::days::{Days, SetAside};
use super::error::{AppendError, OpenError};
use super::reader::Reader;
use super::strings::Interner;

/// How far a capture's source is recorded; committed together with the events it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mark {
    /// Time of its newest durable event.
    pub at: Timestamp,
}

/// Appends to a journal. There is one: the directory is locked.
pub struct Writer {
    days: Arc<Days>,
    current: Option<(Arc<Day>, Interner)>,
    packer: Packer,
    marks: BTreeMap<String, Mark>,
    head: Head,
    poisoned: bool,
}

impl Writer {
    /// Opens the journal in `dir`, making it where it is missing. Databases that are damaged are set aside and
    /// reported; the journal goes on after them.
    ///
    /// # Errors
    /// [`OpenError`]: the directory cannot be used, is in use, or was written by a later version.
    pub fn open(dir: &Path) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
        let (days, head, set_aside) = Days::open(dir)?;
        let days = Arc::new(days);
        let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
        let mut writer = Writer {
            current: None,
            packer: Packer::new().map_err(failed)?,
            marks: BTreeMap::new(),
            head,
            poisoned: false,
            days: days.clone(),
        };
        if let Some(day) = days.all().pop() {
            let database = |source| OpenError::Database { dir: day.dir().to_owned(), source };
            writer.marks = day.marks().map_err(database)?.into_iter().collect();
            let interner = Interner::new(&day.strings());
            writer.current = Some((day, interner));
        }
        Ok((writer, Reader::new(days), set_aside))
    }

    /// How far each source is recorded, earlier runs included.
    #[must_use]
    pub fn marks(&self) -> &BTreeMap<String, Mark> {
        &self.marks
    }

    /// Time of the newest event.
    #[must_use]
    pub fn last_at(&self) -> Timestamp {
        self.head.last_at
    }

    /// Numbers the events, never lets their time go back, and makes them durable together with `marks`. When this
    /// returns `Ok`, a power loss does not take them away.
    ///
    /// # Errors
    /// [`AppendError`]; the journal takes no more events after the first.
    pub fn append(&mut self, events: &mut [Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        let result = self.try_append(events, marks);
        self.poisoned = result.is_err();
        result
    }

    fn try_append(&mut self, events: &mut [Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let (mut seq, mut at) = (self.head.last, self.head.last_at);
        for event in events.iter_mut() {
            seq = seq.next();
            at = at.max(event.at);
            event.seq = seq;
            event.at = at;
        }
        self.marks.extend(marks.iter().cloned());
        for of_one_day in events.chunk_by(|a, b| a.at.day() == b.at.day()) {
            let is_last = of_one_day.last().is_some_and(|event| event.seq == seq);
            self.commit(of_one_day, if is_last { marks } else { &[] })?;
        }
        Ok(())
    }

    /// Commits events of one day. A new database gets all marks, so that it stands for itself.
    fn commit(&mut self, events: &[Event], marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let (day, mut interner, is_new) = self.day_for(first.at.day())?;
        let mut head = Head { last: last.seq, last_at: last.at, hash: self.head.hash };
        let blocks = self.packer.pack(events, &mut interner, &mut head.hash);
        let marks = if is_new { self.marks.clone().into_iter().collect() } else { marks.to_vec() };
        let commit = Commit { blocks, fresh_strings: interner.take_fresh(), marks, head };
        day.commit(commit, events)?;
        self.head = head;
        self.days.committed().send_replace(head.last);
        day.write_recent(false)?;
        self.current = Some((day, interner));
        Ok(())
    }

    fn day_for(&mut self, number: i64) -> Result<(Arc<Day>, Interner, bool), AppendError> {
        match self.current.take() {
            Some((day, interner)) if day.number == number => Ok((day, interner, false)),
            earlier => {
                if let Some((day, _)) = earlier {
                    day.write_recent(true)?;
                }
                let day = self.days.day(number, self.head)?;
                let interner = Interner::new(&day.strings());
                Ok((day, interner, true))
            }
        }
    }

    /// The number of the newest event.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.head.last
    }
}
