//! A partition's sled database: blocks, strings, marks, head.
//!
//! | key | value |
//! |---|---|
//! | `1`, first seq (u64), part (u16) | a [`block`](super::block)'s first value, or a further part of its payload |
//! | `2`, name | a [`Mark`]: the point up to which a capture's source is recorded |
//! | `3`, first number (u32) | interned [`strings`], in the order of their numbers |
//! | `4` | the [`Head`]: the end of the partition |
//!
//! All in one tree, because sled's batches are atomic within a tree only. Numbers in keys are big-endian.
//!
//! Knows nothing of terms and of other partitions.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::model::{Seq, Str, Timestamp};

use super::block::{Hash, Header, Opened, Opener, Sealed, open_part};
use super::end::{self, End};
use super::error::{AppendError, ReadError, is_locked};
use super::identity::sync_dir;
use super::mark::Mark;
use super::strings;
use super::value::{What, unwrap, wrap};
use super::varint::{Cursor, Malformed};

/// sled's file.
pub(super) const FILE: &str = "db";
/// The suffix of a snapshot that sled is still writing.
const HALF_SNAPSHOT_SUFFIX: &str = ".generating";
const TREE: &str = "log";
const BLOCK: u8 = 1;
const MARK: u8 = 2;
const STRINGS: u8 = 3;
const HEAD: u8 = 4;
/// sled's threads end within milliseconds of the last handle.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
const LOCK_WAIT_STEP: Duration = Duration::from_millis(5);

/// The end of a journal, or of one of its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Head {
    pub(super) last: Seq,
    pub(super) last_at: Timestamp,
    pub(super) hash: Hash,
}

/// An open database.
pub(super) struct Store {
    dir: PathBuf,
    _db: sled::Db,
    log: sled::Tree,
    file: File,
    end: End,
    strings: RwLock<Vec<Str>>,
}

/// The content of one commit.
#[derive(Default)]
pub(super) struct Commit {
    pub(super) blocks: Vec<Sealed>,
    pub(super) fresh_strings: (u32, Vec<Str>),
    pub(super) marks: Vec<(String, Mark)>,
    pub(super) head: Head,
}

impl Store {
    /// Opens or makes the database in `dir`. sled may keep `cache_bytes` of it in memory.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Store, ReadError> {
        let is_new = !dir.join(FILE).exists();
        let db = open_sled(dir, cache_bytes)?;
        let log = db.open_tree(TREE)?;
        let mut strings = Vec::new();
        for entry in log.scan_prefix([STRINGS]) {
            let read = read_strings(&entry?.1).ok().filter(|(first, ..)| *first as usize == strings.len());
            strings.extend(read.ok_or(ReadError::Index { what: "string table" })?.2);
        }
        let file = File::open(dir.join(FILE)).map_err(sled::Error::from)?;
        let end = End::open(dir).map_err(sled::Error::from)?;
        let store = Store { dir: dir.to_owned(), _db: db, log, file, end, strings: RwLock::new(strings) };
        if is_new {
            store.sync_new().map_err(sled::Error::from)?;
        } else {
            // From now on the journal relies on the writes that a killed process had not synced.
            store.file.sync_all().map_err(sled::Error::from)?;
        }
        Ok(store)
    }

    /// The end of the database. `None`: it is empty. It is an error if the database once held more.
    pub(super) fn head(&self) -> Result<Option<Head>, ReadError> {
        let head = self.written_head()?;
        let found = head.map_or(Seq::default(), |head| head.last);
        match end::read(&self.dir).filter(|recorded| *recorded > found) {
            Some(recorded) => Err(ReadError::Short { found, recorded }),
            None => Ok(head),
        }
    }

    /// The end that the database itself records.
    pub(super) fn written_head(&self) -> Result<Option<Head>, ReadError> {
        let value = self.log.get([HEAD])?;
        let head = value.map(|value| read_head(&value)).transpose();
        head.map_err(|_| ReadError::Index { what: "head" })
    }

    /// The first numbers of all blocks, in order.
    pub(super) fn starts(&self) -> Result<Vec<Seq>, ReadError> {
        let mut starts = Vec::new();
        for key in self.log.range(block_key(Seq(0), 0)..=block_key(Seq(u64::MAX), u16::MAX)).keys() {
            if let (first, 0) = read_block_key(&key?)? {
                starts.push(first);
            }
        }
        Ok(starts)
    }

    /// Marks as of the last commit.
    pub(super) fn marks(&self) -> Result<BTreeMap<String, Mark>, ReadError> {
        let mut marks = BTreeMap::new();
        for entry in self.log.scan_prefix([MARK]) {
            let (_, name, mark) = read_mark(&entry?.1).map_err(|_| ReadError::Index { what: "mark" })?;
            marks.insert(name, mark);
        }
        Ok(marks)
    }

    /// Interned strings, in the order of their numbers.
    pub(super) fn strings(&self) -> RwLockReadGuard<'_, Vec<Str>> {
        self.strings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the database's file.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Writes a commit. It is durable when this returns.
    pub(super) fn commit(&self, commit: Commit) -> Result<(), AppendError> {
        let head = commit.head;
        self.apply(commit)?;
        self.log.flush()?;
        self.file.sync_all().map_err(AppendError::Sync)?;
        self.end.write(head.last).map_err(AppendError::end)
    }

    fn apply(&self, commit: Commit) -> Result<(), AppendError> {
        let (first_string, fresh) = &commit.fresh_strings;
        let mut batch = sled::Batch::default();
        let with = commit.blocks.first().map_or([0; 32], |block| block.hash);
        for (number, strings) in strings::encode(*first_string, fresh) {
            let content = [with.get(..16).unwrap_or_default(), &strings].concat();
            let value = wrap(What::Strings, number.into(), &content);
            batch.insert([&[STRINGS], &number.to_be_bytes()[..]].concat(), value);
        }
        for (name, mark) in &commit.marks {
            batch.insert([&[MARK], name.as_bytes()].concat(), write_mark(commit.head.last, name, mark));
        }
        batch.insert(&[HEAD], write_head(&commit.head));
        for block in commit.blocks {
            for (value, part) in block.values.into_iter().zip(0..) {
                batch.insert(block_key(block.first, part), value);
            }
        }
        // Readers may meet a block as soon as the batch is applied, so its strings come first.
        self.strings.write().unwrap_or_else(PoisonError::into_inner).extend(fresh.iter().cloned());
        Ok(self.log.apply_batch(batch)?)
    }

    /// First and last number of the block that holds `seq`, or of the first one after it.
    pub(super) fn at_or_after(&self, seq: Seq) -> Result<Option<(Seq, Seq)>, ReadError> {
        Ok(self.header_at_or_after(seq)?.map(|header| (header.first, header.last)))
    }

    /// First and last number of the block that holds `seq`, or of the last one before it.
    pub(super) fn at_or_before(&self, seq: Seq) -> Result<Option<(Seq, Seq)>, ReadError> {
        Ok(self.header_at_or_before(seq)?.map(|header| (header.first, header.last)))
    }

    /// The header of the block that holds `seq`, or of the first one after it.
    pub(super) fn header_at_or_after(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        match self.header_at_or_before(seq)? {
            Some(header) if header.last >= seq => return Ok(Some(header)),
            _ => {}
        }
        for entry in self.log.range(block_key(seq.next(), 0)..=block_key(Seq(u64::MAX), u16::MAX)) {
            let (key, value) = entry?;
            if let (first, 0) = read_block_key(&key)? {
                return Header::read(first, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// The header of the block that holds `seq`, or of the last one before it.
    pub(super) fn header_at_or_before(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        for entry in self.log.range(block_key(Seq(0), 0)..=block_key(seq, 0)).rev() {
            let (key, value) = entry?;
            if let (first, 0) = read_block_key(&key)? {
                return Header::read(first, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads and decodes the block that begins at `first`.
    pub(super) fn block(&self, first: Seq, opener: &mut Opener) -> Result<Opened, ReadError> {
        let damaged = |reason| ReadError::Block { seq: first, reason };
        let value = self.log.get(block_key(first, 0))?.ok_or_else(|| damaged("it is not there"))?;
        let header = Header::read(first, &value)?;
        let mut rest = Vec::new();
        for part in 1..=header.further_parts() {
            let value = self.log.get(block_key(first, part))?.ok_or_else(|| damaged("a part is not there"))?;
            rest.extend_from_slice(open_part(first, part, &value).map_err(|_| damaged("a part is not its own"))?);
        }
        opener.open(header, &value, &rest, &self.strings())
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

/// Opens sled without its background thread: commits flush by themselves, and the thread would tidy little.
///
/// A database of this journal that was closed a moment ago keeps its lock until sled's last thread is gone. No other
/// process can hold the lock: the journal's directory is locked.
fn open_sled(dir: &Path, cache_bytes: u64) -> sled::Result<sled::Db> {
    remove_half_snapshots(dir).map_err(sled::Error::from)?;
    let config = sled::Config::new().path(dir).cache_capacity(cache_bytes).flush_every_ms(None);
    let mut waited = Duration::ZERO;
    loop {
        match unwound(|| config.open()) {
            Err(sled::Error::Io(error)) if is_locked(&error) && waited < LOCK_WAIT_MAX => {
                std::thread::sleep(LOCK_WAIT_STEP);
                waited += LOCK_WAIT_STEP;
            }
            opened => return opened,
        }
    }
}

/// sled panics over some kinds of damage to its file. This makes the panic an error like the others that sled finds.
fn unwound<T>(open: impl FnOnce() -> sled::Result<T>) -> sled::Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|_| Err(sled::Error::ReportableBug("sled panicked over what is in its file".to_owned())))
}

/// Removes snapshots that sled was still writing when the process ended. sled takes them for whole, and gives up.
fn remove_half_snapshots(dir: &Path) -> std::io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(HALF_SNAPSHOT_SUFFIX) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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

/// Strings with the number of the first, and the beginning of the hash of the block committed with them.
pub(super) fn read_strings(value: &[u8]) -> Result<(u32, [u8; 16], Vec<Str>), Malformed> {
    let (first, content) = unwrap(What::Strings, value)?;
    let (with, content) = content.split_first_chunk().ok_or(Malformed)?;
    let mut strings = Vec::new();
    strings::decode(content, &mut strings)?;
    Ok((u32::try_from(first).map_err(|_| Malformed)?, *with, strings))
}

fn write_head(head: &Head) -> Vec<u8> {
    let mut content = head.last_at.as_micros().to_le_bytes().to_vec();
    content.extend_from_slice(&head.hash);
    wrap(What::Head, head.last.0, &content)
}

fn read_head(value: &[u8]) -> Result<Head, Malformed> {
    let (last, content) = unwrap(What::Head, value)?;
    let mut cursor = Cursor::new(content);
    let last_at = Timestamp::from_micros(i64::from_le_bytes(cursor.array()?));
    Ok(Head { last: Seq(last), last_at, hash: cursor.array()? })
}

fn write_mark(last: Seq, name: &str, mark: &Mark) -> Vec<u8> {
    let mut content = mark.at.as_micros().to_le_bytes().to_vec();
    content.extend_from_slice(name.as_bytes());
    wrap(What::Mark, last.0, &content)
}

/// A mark with its name, and the newest event of the commit that wrote it.
pub(super) fn read_mark(value: &[u8]) -> Result<(Seq, String, Mark), Malformed> {
    let (last, content) = unwrap(What::Mark, value)?;
    let mut cursor = Cursor::new(content);
    let at = Timestamp::from_micros(i64::from_le_bytes(cursor.array()?));
    let name = content.get(8..).and_then(|name| std::str::from_utf8(name).ok()).ok_or(Malformed)?;
    Ok((Seq(last), name.to_owned(), Mark { at }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::journal::{Order, Writer};
    use crate::model::{Event, Kind, Source};

    #[test]
    fn a_file_that_sled_panics_over_is_salvaged() {
        let recorded = tempfile::tempdir().expect("a directory");
        let (mut writer, reader, _) = Writer::open(recorded.path()).expect("a new journal");
        for n in 0..60u64 {
            let event = |k| {
                let mut event = Event::new(Kind::Publish, Source::Binding, Timestamp::from_micros(0));
                let digits = blake3::hash(format!("{n} {k}").as_bytes()).to_hex();
                event.message_id = Some(digits.as_str().into());
                event
            };
            writer.append(&mut (0..50).map(event).collect::<Vec<_>>(), &[]).expect("a working disk");
        }
        drop((writer, reader));
        let mut set_aside = 0;
        for round in 0..30u64 {
            let copied = tempfile::tempdir().expect("a directory");
            let part = copied.path().join("1970-01-01-0001");
            std::fs::create_dir(&part).expect("made");
            for name in ["journal.json", "1970-01-01-0001/db", "1970-01-01-0001/conf", "1970-01-01-0001/end"] {
                std::fs::copy(recorded.path().join(name), copied.path().join(name)).expect("a copy");
            }
            let file = File::options().write(true).open(part.join(FILE)).expect("its file");
            let len = file.metadata().expect("its length").len();
            file.write_all_at(&[0x55; 16], round * len / 30 + 40).expect("written");
            let (_writer, reader, aside) = Writer::open(copied.path()).expect("whatever is damaged");
            let lost: u64 = aside.iter().flat_map(|aside| &aside.lost).map(|hole| hole.len()).sum();
            let read = reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).filter_map(Result::ok).count() as u64;
            assert_eq!((read + lost, reader.last_seq()), (3000, Seq(3000)), "round {round}: {aside:?}");
            set_aside += aside.len();
        }
        assert!(set_aside > 0, "no damage was met");
    }
}
