//! One day's database: blocks, marks, strings, and the index over them.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::model::{Event, Seq, Str, Timestamp};

use super::block::{Hash, Header, Opened, Opener, Sealed};
use super::end::{self, End};
use super::error::{AppendError, OpenError, ReadError};
use super::identity::sync_dir;
use super::index::{Index, Recent, load_runs, write_run};
use super::strings;
use super::term::{TermHash, for_each_term};
use super::varint::{Cursor, Malformed};
use super::writer::Mark;

const BLOCK: u8 = 1;
const MARK: u8 = 2;
const STRINGS: u8 = 3;
const HEAD: u8 = 4;
/// Format of marks and heads.
const FORMAT: u8 = 1;
/// Events whose terms are kept in memory before they are written as a run: about 16 MiB, half a second at a restart.
const RECENT_EVENTS_MAX: u64 = 250_000;
/// sled's page cache. What is read again and again are index pages; 32 MiB hold those of the newest runs.
const CACHE_BYTES: u64 = 32 << 20;
/// Only sled's background flusher truncates and tidies its file; commits do not wait for it.
const SLED_FLUSH_MS: u64 = 500;

/// sled's threads end within milliseconds of the last handle.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
const LOCK_WAIT_STEP: Duration = Duration::from_millis(5);

/// Where the journal ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Head {
    pub(super) last: Seq,
    pub(super) last_at: Timestamp,
    pub(super) hash: Hash,
}

/// What a database covers; `None` while it is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) first_at: Timestamp,
}

/// An open database.
pub(super) struct Day {
    pub(super) number: i64,
    dir: PathBuf,
    _db: sled::Db,
    log: sled::Tree,
    runs: sled::Tree,
    file: File,
    end: End,
    strings: RwLock<Vec<Str>>,
    index: RwLock<Index>,
    span: RwLock<Option<Span>>,
}

/// What one commit writes into one database.
#[derive(Default)]
pub(super) struct Commit {
    pub(super) blocks: Vec<Sealed>,
    pub(super) fresh_strings: (u32, Vec<Str>),
    pub(super) marks: Vec<(String, Mark)>,
    pub(super) head: Head,
}

impl Day {
    /// Opens or makes the database of a day. A new one continues at `previous`.
    pub(super) fn open(dir: &Path, number: i64, previous: Head) -> Result<(Day, Head), ReadError> {
        let is_new = !dir.join("db").exists();
        let db = open_sled(dir)?;
        let (log, runs) = (db.open_tree("log")?, db.open_tree("runs")?);
        let file = File::open(dir.join("db")).map_err(sled::Error::from)?;
        let head = match log.get([HEAD])? {
            Some(bytes) => read_head(&bytes).map_err(|_| ReadError::Index { what: "head" })?,
            None => previous,
        };
        if let Some(recorded) = end::read(dir).filter(|recorded| *recorded > head.last) {
            return Err(ReadError::Short { found: head.last, recorded });
        }
        let mut strings = Vec::new();
        for entry in log.scan_prefix([STRINGS]) {
            strings::decode(&entry?.1, &mut strings).map_err(|_| ReadError::Index { what: "string table" })?;
        }
        let written = load_runs(&runs)?;
        let day = Day {
            number,
            dir: dir.to_owned(),
            _db: db,
            log,
            runs,
            file,
            end: End::open(dir).map_err(sled::Error::from)?,
            strings: RwLock::new(strings),
            index: RwLock::new(Index { recent: Recent::default(), runs: written }),
            span: RwLock::new(None),
        };
        if is_new {
            day.sync_new().map_err(sled::Error::from)?;
        }
        day.recover(head)?;
        Ok((day, head))
    }

    /// The database's directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it covers.
    pub(super) fn span(&self) -> Option<Span> {
        *read(&self.span)
    }

    /// Bytes of its file.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Interned strings, in the order of their numbers.
    pub(super) fn strings(&self) -> RwLockReadGuard<'_, Vec<Str>> {
        read(&self.strings)
    }

    /// Marks as of the last commit.
    pub(super) fn marks(&self) -> Result<Vec<(String, Mark)>, ReadError> {
        let mut marks = Vec::new();
        for entry in self.log.scan_prefix([MARK]) {
            let (key, value) = entry?;
            let name = std::str::from_utf8(key.get(1..).unwrap_or_default());
            let mark = read_mark(&value).ok().zip(name.ok());
            let (mark, name) = mark.ok_or(ReadError::Index { what: "mark" })?;
            marks.push((name.to_owned(), mark));
        }
        Ok(marks)
    }

    /// Writes a commit; durable when this returns. The events are those of the blocks, for the index.
    pub(super) fn commit(&self, commit: Commit, events: &[Event]) -> Result<(), AppendError> {
        let (first_string, fresh) = &commit.fresh_strings;
        let mut batch = sled::Batch::default();
        for (number, value) in strings::encode(*first_string, fresh) {
            batch.insert([&[STRINGS], &number.to_be_bytes()[..]].concat(), value);
        }
        for (name, mark) in &commit.marks {
            batch.insert([&[MARK], name.as_bytes()].concat(), write_mark(mark));
        }
        batch.insert(&[HEAD], write_head(&commit.head));
        // Readers may meet a block as soon as the batch is applied, so its strings come first.
        write(&self.strings).extend(fresh.iter().cloned());
        let mut starts = Vec::with_capacity(commit.blocks.len());
        for block in commit.blocks {
            starts.push((block.first, block.count));
            for (part, value) in block.parts.into_iter().enumerate() {
                batch.insert(block_key(block.first, part as u16), value);
            }
        }
        self.log.apply_batch(batch)?;
        self.log.flush()?;
        self.file.sync_all().map_err(AppendError::Sync)?;
        self.end.write(commit.head.last).map_err(AppendError::Sync)?;
        self.index_events(&starts, events);
        self.note_span(events, commit.head);
        Ok(())
    }

    /// Writes the terms in memory as a run, when there are enough or `all` are wanted.
    pub(super) fn write_recent(&self, all: bool) -> Result<(), AppendError> {
        let Some(span) = self.span() else { return Ok(()) };
        let mut index = write(&self.index);
        let Some(base) = index.recent.base() else { return Ok(()) };
        if !all && span.last.0 - base.0 < RECENT_EVENTS_MAX {
            return Ok(());
        }
        let number = index.runs.len() as u32;
        let run = write_run(&self.runs, number, &index.recent, span.last)?;
        self.runs.flush()?;
        self.file.sync_all().map_err(AppendError::Sync)?;
        index.runs.push(run);
        index.recent = Recent::default();
        Ok(())
    }

    /// First numbers of the blocks that may hold the term, in order.
    pub(super) fn blocks_with(&self, hash: TermHash) -> Result<Vec<Seq>, ReadError> {
        read(&self.index).blocks(&self.runs, hash)
    }

    /// The header of the block that holds `seq`, or of the first one after it.
    pub(super) fn header_at_or_after(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        match self.header_at_or_before(seq)? {
            Some(header) if header.last() >= seq => Ok(Some(header)),
            _ => self.first_header(block_key(seq.next(), 0)..=block_key(Seq(u64::MAX), u16::MAX)),
        }
    }

    /// The header of the block that holds `seq`, or of the last one before it.
    pub(super) fn header_at_or_before(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        for entry in self.log.range(block_key(Seq(0), 0)..=block_key(seq, 0)).rev() {
            let (key, value) = entry?;
            let (first, part) = read_block_key(&key)?;
            if part == 0 {
                return Header::read(first, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads and decodes the block that begins at `first`.
    pub(super) fn block(&self, first: Seq, opener: &mut Opener) -> Result<Opened, ReadError> {
        let missing = |reason| ReadError::Block { seq: first, reason };
        let value = self.log.get(block_key(first, 0))?.ok_or_else(|| missing("it is not there"))?;
        let header = Header::read(first, &value)?;
        let mut rest = Vec::new();
        for part in 1..=header.further_parts() {
            let value = self.log.get(block_key(first, part))?.ok_or_else(|| missing("a part is not there"))?;
            rest.extend_from_slice(&value);
        }
        opener.open(header, &value, &rest, &self.strings())
    }

    fn first_header(&self, keys: RangeInclusive<Vec<u8>>) -> Result<Option<Header>, ReadError> {
        for entry in self.log.range(keys) {
            let (key, value) = entry?;
            let (first, part) = read_block_key(&key)?;
            if part == 0 {
                return Header::read(first, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// Rebuilds what is only in memory, checking the newest blocks and their chain up to the head.
    fn recover(&self, head: Head) -> Result<(), ReadError> {
        let Some(first) = self.header_at_or_after(Seq(0))? else { return Ok(()) };
        *write(&self.span) = Some(Span { first: first.first, last: head.last, first_at: first.first_at });
        let mut opener = Opener::new()?;
        let mut next = read(&self.index).runs.last().map_or(first.first, |run| run.last().next());
        let mut hash = None;
        while next <= head.last {
            let opened = self.block(next, &mut opener)?;
            let broken = hash.is_some_and(|hash| hash != opened.header.previous);
            if broken {
                return Err(ReadError::Block { seq: next, reason: "it does not follow the block before it" });
            }
            hash = Some(opened.hash);
            self.index_events(&[(next, opened.header.count)], &opened.events);
            next = opened.header.last().next();
        }
        if next != head.last.next() || hash.is_some_and(|hash| hash != head.hash) {
            return Err(ReadError::Index { what: "head" });
        }
        Ok(())
    }

    fn index_events(&self, starts: &[(Seq, u32)], events: &[Event]) {
        let mut index = write(&self.index);
        let mut events = events.iter();
        for (first, count) in starts {
            index.recent.begin(*first);
            for event in events.by_ref().take(*count as usize) {
                for_each_term(event, |hash| index.recent.insert(hash, *first));
            }
        }
    }

    fn note_span(&self, events: &[Event], head: Head) {
        let mut span = write(&self.span);
        if let (None, Some(first)) = (*span, events.first()) {
            *span = Some(Span { first: first.seq, last: head.last, first_at: first.at });
        }
        if let Some(span) = span.as_mut() {
            span.last = head.last;
        }
    }

    /// Makes a new database's files durable: sled syncs neither its configuration nor its directory.
    fn sync_new(&self) -> std::io::Result<()> {
        self.log.flush().map_err(std::io::Error::from)?;
        self.file.sync_all()?;
        File::open(self.dir.join("conf"))?.sync_all()?;
        sync_dir(&self.dir)?;
        self.dir.parent().map_or(Ok(()), sync_dir)
    }
}

/// A database of this journal that was closed a moment ago keeps its lock until sled's last thread is gone. Nobody else
/// can have it: the journal's directory is locked.
fn open_sled(dir: &Path) -> sled::Result<sled::Db> {
    let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(Some(SLED_FLUSH_MS));
    let mut waited = Duration::ZERO;
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if is_locked(&error) && waited < LOCK_WAIT_MAX => {
                std::thread::sleep(LOCK_WAIT_STEP);
                waited += LOCK_WAIT_STEP;
            }
            opened => return opened,
        }
    }
}

/// sled wraps the error of its lock in a text.
fn is_locked(error: &std::io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

impl From<OpenError> for AppendError {
    fn from(error: OpenError) -> Self {
        AppendError::NewDay(Box::new(error))
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn block_key(first: Seq, part: u16) -> Vec<u8> {
    [&[BLOCK], &first.0.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

fn read_block_key(key: &[u8]) -> Result<(Seq, u16), ReadError> {
    let mut cursor = Cursor::new(key);
    let read = |cursor: &mut Cursor<'_>| -> Result<(Seq, u16), Malformed> {
        cursor.byte()?;
        Ok((Seq(u64::from_be_bytes(cursor.array()?)), u16::from_be_bytes(cursor.array()?)))
    };
    read(&mut cursor).map_err(|_| ReadError::Index { what: "block key" })
}

fn write_head(head: &Head) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&head.last.0.to_le_bytes());
    bytes.extend_from_slice(&head.last_at.as_micros().to_le_bytes());
    bytes.extend_from_slice(&head.hash);
    bytes
}

fn read_head(bytes: &[u8]) -> Result<Head, Malformed> {
    let mut cursor = Cursor::new(bytes);
    check_format(&mut cursor)?;
    Ok(Head {
        last: Seq(u64::from_le_bytes(cursor.array()?)),
        last_at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)),
        hash: cursor.array()?,
    })
}

fn write_mark(mark: &Mark) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&mark.at.as_micros().to_le_bytes());
    bytes
}

fn read_mark(bytes: &[u8]) -> Result<Mark, Malformed> {
    let mut cursor = Cursor::new(bytes);
    check_format(&mut cursor)?;
    Ok(Mark { at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)) })
}

fn check_format(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    if cursor.byte()? == FORMAT { Ok(()) } else { Err(Malformed) }
}
