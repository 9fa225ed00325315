//! All partitions of a journal, in order. The writer, the readers and the keeper share them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::model::Seq;

use super::blocks::Blocks;
use super::dirs::{is_taken, part_dir};
use super::error::{OpenError, ReadError};
use super::identity::Directory;
use super::options::Options;
use super::part::{Part, PartName};

/// The partitions that the writer and the readers share.
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

    /// The journal's id, unique in the world.
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

    /// Lets readers see the events committed up to `last`.
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
        // The name follows the newest one, even if an earlier name is free: names sort like their events.
        let mut name = newest.map_or(PartName::first_of(day), PartName::next);
        while is_taken(self.path(), name) {
            name = name.next();
        }
        let dir = part_dir(self.path(), name);
        let part = Part::create(&dir, name).inspect_err(|_| {
            // No event is in the directory. The next start removes the rest of it.
            drop(std::fs::remove_dir_all(&dir));
        })?;
        let part = Arc::new(part);
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        Ok(part)
    }

    /// Puts a rewritten partition in the place of an older generation. With `None`, takes the partition away.
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
        // A partition that was just begun, and is empty, is the last.
        let index = list.partition_point(|part| part.span().is_some_and(|span| span.last < seq));
        list.get(index).filter(|part| part.span().is_some()).cloned()
    }

    /// The last partition that begins at `seq` or before it.
    pub(super) fn at_or_before(&self, seq: Seq) -> Option<Arc<Part>> {
        let list = self.read();
        list.iter().rev().find(|part| part.span().is_some_and(|span| span.first <= seq)).cloned()
    }

    /// Opens a partition's database for reading. `None`: the partition has been removed. A damaged partition becomes a
    /// suspect.
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
                    // The partition was rewritten meanwhile, or removed.
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

    /// Notes that a partition is damaged. The keeper saves its readable events. An unsealed partition waits for a
    /// restart.
    pub(super) fn suspect(&self, part: &Arc<Part>) {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if part.sealed().is_some() && suspects.iter().all(|other| other.name() != part.name()) {
            suspects.push_back(part.clone());
        }
    }

    /// The next suspect that is still there, for the keeper to salvage.
    pub(super) fn take_suspect(&self) -> Option<Arc<Part>> {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        let list = self.read();
        std::iter::from_fn(|| suspects.pop_front()).find(|part| list.iter().any(|other| other.name() == part.name()))
    }

    /// Notes that a sealed partition was asked. Closes the least recently asked ones when too many are open.
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

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<Part>>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_open(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Part>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
