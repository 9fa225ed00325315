//! All partitions of a journal, in order: what writer, readers and keeper share.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::model::{Seq, Timestamp};

use super::blocks::Blocks;
use super::error::{OpenError, ReadError};
use super::identity::{self, Directory};
use super::options::Options;
use super::part::{Part, PartName};

/// What writer and readers share.
pub(super) struct Parts {
    directory: Directory,
    options: Options,
    list: RwLock<Vec<Arc<Part>>>,
    committed: AtomicU64,
    /// Sealed partitions that are open, least recently asked first.
    open: Mutex<VecDeque<Arc<Part>>>,
    /// Sealed partitions in which damage was met.
    suspects: Mutex<VecDeque<Arc<Part>>>,
}

/// A partition with its blocks, which stay readable until this is dropped.
#[derive(Clone)]
pub(super) struct Pinned {
    pub(super) part: Arc<Part>,
    pub(super) blocks: Blocks,
}

impl Parts {
    pub(super) fn new(directory: Directory, options: Options, list: Vec<Arc<Part>>, last: Seq) -> Self {
        Parts {
            directory,
            options,
            list: RwLock::new(list),
            committed: AtomicU64::new(last.0),
            open: Mutex::default(),
            suspects: Mutex::default(),
        }
    }

    /// The journal's name in the world.
    pub(super) fn id(&self) -> &str {
        self.directory.id()
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The newest committed number.
    pub(super) fn committed(&self) -> Seq {
        Seq(self.committed.load(Ordering::Acquire))
    }

    /// Lets readers see what is committed up to `last`.
    pub(super) fn commit(&self, last: Seq) {
        self.committed.store(last.0, Ordering::Release);
    }

    /// The partitions, oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Part>> {
        self.read().clone()
    }

    /// The newest partition.
    pub(super) fn newest(&self) -> Option<Arc<Part>> {
        self.read().last().cloned()
    }

    /// Makes the next partition of a day.
    pub(super) fn begin(&self, day: i64) -> Result<Arc<Part>, OpenError> {
        let newest = self.newest().map(|part| part.name()).filter(|name| name.day == day);
        // After the newest, whatever is free before it: names sort like their events.
        let mut name = newest.map_or(PartName::first_of(day), PartName::next);
        while self.is_taken(name) {
            name = name.next();
        }
        let dir = part_dir(self.path(), name);
        let part = Part::create(&dir, name).inspect_err(|_| {
            // Nothing is in it; what is left of it a start removes.
            drop(std::fs::remove_dir_all(&dir));
        })?;
        let part = Arc::new(part);
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        Ok(part)
    }

    /// Puts a rewritten partition in the place of an older generation, or takes one away.
    pub(super) fn replace(&self, old: &Part, new: Option<Arc<Part>>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = list.iter().position(|part| part.name() == old.name()) {
            list.splice(index..=index, new);
        }
        drop(list);
        self.lock_open().retain(|part| part.name() != old.name());
        old.close();
    }

    /// The first partition that ends at `seq` or after it.
    pub(super) fn at_or_after(&self, seq: Seq) -> Option<Arc<Part>> {
        let list = self.read();
        // One that was just begun, and is empty, is the last.
        let index = list.partition_point(|part| part.span().is_some_and(|span| span.last < seq));
        list.get(index).filter(|part| part.span().is_some()).cloned()
    }

    /// The last partition that begins at `seq` or before it.
    pub(super) fn at_or_before(&self, seq: Seq) -> Option<Arc<Part>> {
        let list = self.read();
        list.iter().rev().find(|part| part.span().is_some_and(|span| span.first <= seq)).cloned()
    }

    /// Opens a partition's database for reading. `None`: it has been removed. One that cannot be opened is suspect.
    pub(super) fn pin(&self, part: &Arc<Part>) -> Result<Option<Pinned>, ReadError> {
        self.try_pin(part).inspect_err(|error| self.met(part, error))
    }

    fn try_pin(&self, part: &Arc<Part>) -> Result<Option<Pinned>, ReadError> {
        let mut part = part.clone();
        loop {
            match part.blocks() {
                Ok(blocks) => {
                    if let Blocks::Sealed(_) = blocks {
                        self.note_open(&part);
                    }
                    return Ok(Some(Pinned { part, blocks }));
                }
                Err(gone @ ReadError::Gone { .. }) => {
                    // Rewritten meanwhile, or removed.
                    let current = self.read().iter().find(|other| other.name().id() == part.name().id()).cloned();
                    match current {
                        Some(current) if current.name() != part.name() => part = current,
                        Some(_) => return Err(gone),
                        None => return Ok(None),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes an error that was met in a partition.
    pub(super) fn met(&self, part: &Arc<Part>, error: &ReadError) {
        if error.is_damage() {
            self.suspect(part);
        }
    }

    /// Notes that a partition is damaged; the keeper saves what can be saved. One that is not sealed waits for a restart.
    pub(super) fn suspect(&self, part: &Arc<Part>) {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if part.sealed().is_some() && suspects.iter().all(|other| other.name() != part.name()) {
            suspects.push_back(part.clone());
        }
    }

    /// The next partition to be saved that is still there.
    pub(super) fn take_suspect(&self) -> Option<Arc<Part>> {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        let list = self.read();
        std::iter::from_fn(|| suspects.pop_front()).find(|part| list.iter().any(|other| other.name() == part.name()))
    }

    /// Closes the sealed partition that was least recently asked when too many are open.
    fn note_open(&self, part: &Arc<Part>) {
        let mut open = self.lock_open();
        open.retain(|other| other.name() != part.name());
        open.push_back(part.clone());
        while open.len() > self.options.open_parts_max.max(1) {
            if let Some(oldest) = open.pop_front() {
                oldest.close();
            }
        }
    }

    /// Sealed partitions that are open.
    pub(super) fn open_count(&self) -> usize {
        self.lock_open().len()
    }

    fn is_taken(&self, name: PartName) -> bool {
        let dir = part_dir(self.path(), name);
        dir.exists() || with_suffix(&dir, DAMAGED_SUFFIX).exists()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<Part>>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_open(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Part>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The directory of a partition.
pub(super) fn part_dir(journal: &Path, name: PartName) -> PathBuf {
    journal.join(name.to_string())
}

/// Renames a damaged partition's directory to `….damaged`; its new path.
pub(super) fn set_aside(dir: &Path) -> std::io::Result<PathBuf> {
    let target = with_suffix(dir, DAMAGED_SUFFIX);
    let mut attempts = 2..;
    let mut free = target.clone();
    while free.exists() {
        free = with_suffix(&target, &format!("-{}", attempts.next().unwrap_or_default()));
    }
    std::fs::rename(dir, &free)?;
    dir.parent().map_or(Ok(()), identity::sync_dir)?;
    Ok(free)
}

fn with_suffix(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    dir.with_file_name(name)
}

/// What a directory's entry names.
pub(super) enum Entry {
    /// A partition.
    Part(PartName),
    /// A partition that was being made or removed when the process ended.
    Unfinished(PathBuf),
    /// A partition that was set aside.
    Damaged(PathBuf),
    /// A database of a day, as versions before the first release made them.
    Unreleased(PathBuf),
}

/// What is in a journal's directory besides its own files.
pub(super) fn entries(journal: &Path) -> Result<Vec<Entry>, OpenError> {
    let failed = |source| OpenError::Directory { dir: journal.to_owned(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(journal).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let unfinished = [NEW_SUFFIX, REMOVED_SUFFIX].iter().find_map(|suffix| name.strip_suffix(suffix));
        if let Ok(part) = name.parse() {
            entries.push(Entry::Part(part));
        } else if unfinished.is_some_and(|name| name.parse::<PartName>().is_ok()) {
            entries.push(Entry::Unfinished(entry.path()));
        } else if name.contains(DAMAGED_SUFFIX) {
            entries.push(Entry::Damaged(entry.path()));
        } else if format!("{name}T00:00:00Z").parse::<Timestamp>().is_ok() {
            entries.push(Entry::Unreleased(entry.path()));
        }
    }
    Ok(entries)
}

/// How the directory of a partition ends that is being written.
pub(super) const NEW_SUFFIX: &str = ".new";
/// How the directory of a partition ends that was damaged.
pub(super) const DAMAGED_SUFFIX: &str = ".damaged";
/// How the directory of a partition ends that is being removed.
pub(super) const REMOVED_SUFFIX: &str = ".removed";

/// Removes a partition's directory so that after a crash it is there whole, or not at all.
pub(super) fn remove_dir(dir: &Path) -> std::io::Result<()> {
    let removed = with_suffix(dir, REMOVED_SUFFIX);
    std::fs::rename(dir, &removed)?;
    dir.parent().map_or(Ok(()), identity::sync_dir)?;
    std::fs::remove_dir_all(removed)
}
