//! A partition that is open: its database, its index, and its span.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::journal::blocks::Blocks;
use crate::journal::error::{AppendError, ReadError};
use crate::journal::index::Run;
use crate::journal::mark::Mark;
use crate::journal::sealed::SealedStore;
use crate::journal::statistics::{Count, Counts};
use crate::journal::store::{Commit, Head, Store};
use crate::journal::term::TermHash;
use crate::model::{Event, Seq, Timestamp};

use super::name::PartName;
use super::slot::Slot;
use super::span::Span;
use super::state::State;

/// sled's page cache: blocks are written once, and read from here until their partition is sealed.
pub(super) const CACHE_BYTES: u64 = 8 << 20;
/// A file that says that the partition is damaged.
pub(in crate::journal) const CONDEMNED_FILE: &str = "condemned";
/// Full lists of terms that wait to be written as runs; with more, whoever appends waits.
const FROZEN_MAX: usize = 3;

/// A partition.
pub(in crate::journal) struct Part {
    pub(super) name: PartName,
    pub(super) dir: PathBuf,
    pub(super) store: Slot,
    pub(super) located: Mutex<Option<Located>>,
    /// It takes no more events.
    pub(super) closed: AtomicBool,
    pub(super) state: RwLock<State>,
}

/// The blocks of a partition of which sled has let go.
pub(super) struct Located {
    pub(super) store: Arc<SealedStore>,
    /// What sled knew besides; for the seal.
    pub(super) marks: BTreeMap<String, Timestamp>,
}

impl Part {
    pub(in crate::journal) fn name(&self) -> PartName {
        self.name
    }

    pub(in crate::journal) fn dir(&self) -> &Path {
        &self.dir
    }

    /// It takes no more events, and is to be sealed.
    pub(in crate::journal) fn no_more(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// It takes no more events.
    pub(in crate::journal) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.sealed().is_some()
    }

    /// What it covers; `None` while it is empty.
    pub(in crate::journal) fn span(&self) -> Option<Span> {
        self.read().span
    }

    /// What is known of it since it is sealed.
    pub(in crate::journal) fn sealed(&self) -> Option<Arc<Run>> {
        let state = self.read();
        state.runs.first().filter(|run| run.meta().seal.is_some()).cloned()
    }

    /// Where it ends, as it was recorded. Known of sealed ones.
    pub(in crate::journal) fn head(&self) -> Option<Head> {
        let run = self.sealed()?;
        let hash = blake3::Hash::from_hex(&run.meta().seal.as_ref()?.hash).ok()?;
        Some(Head { last: run.meta().last, last_at: run.meta().last_at, hash: *hash.as_bytes() })
    }

    /// Its blocks.
    pub(in crate::journal) fn blocks(&self) -> Result<Blocks, ReadError> {
        if let Some(located) = &*self.lock_located() {
            return Ok(Blocks::Sealed(located.store.clone()));
        }
        if self.sealed().is_none()
            && let Some(store) = self.store.get(&self.dir, CACHE_BYTES)?
        {
            return Ok(Blocks::Open(store));
        }
        // Sealed before, or a moment ago.
        let mut located = self.lock_located();
        if let Some(located) = &*located {
            return Ok(Blocks::Sealed(located.store.clone()));
        }
        let run = self.sealed().ok_or_else(|| ReadError::Gone { dir: self.dir.clone() })?;
        let store = Arc::new(SealedStore::open(&self.dir, run.places()?)?);
        *located = Some(Located { store: store.clone(), marks: BTreeMap::new() });
        Ok(Blocks::Sealed(store))
    }

    /// The database of a partition that is not sealed.
    pub(in crate::journal) fn store(&self) -> Result<Arc<Store>, ReadError> {
        self.store.get(&self.dir, CACHE_BYTES)?.ok_or_else(|| ReadError::Gone { dir: self.dir.clone() })
    }

    /// How far each source was recorded at its end.
    pub(in crate::journal) fn marks(&self) -> Result<BTreeMap<String, Mark>, ReadError> {
        match self.sealed().and_then(|run| run.meta().seal.clone()) {
            Some(seal) => Ok(seal.marks.into_iter().map(|(name, at)| (name, Mark { at })).collect()),
            None => self.store()?.marks(),
        }
    }

    /// Closes it as soon as nobody reads from it.
    pub(in crate::journal) fn close(&self) {
        self.store.close();
        if self.sealed().is_some() {
            *self.lock_located() = None;
        }
    }

    /// Bytes of its files.
    pub(in crate::journal) fn disk_bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum()
    }

    /// What was recorded in it, in numbers.
    pub(in crate::journal) fn counts(&self) -> Vec<Count> {
        let state = self.read();
        let mut sum = Counts::default();
        let mut add = |rows: &[Count]| rows.iter().for_each(|row| sum.add_count(row));
        state.runs.iter().for_each(|run| add(&run.meta().counts));
        state.frozen.iter().for_each(|recent| add(&recent.counts().rows()));
        add(&state.recent.counts().rows());
        sum.rows()
    }

    /// Writes a commit, durable when this returns, and makes it known to the index. The events are those of the blocks.
    pub(in crate::journal) fn commit(&self, commit: Commit, events: &[Event]) -> Result<(), AppendError> {
        let starts: Vec<(Seq, u32)> = commit.blocks.iter().map(|block| (block.first, block.count)).collect();
        self.store().map_err(AppendError::Reopen)?.commit(commit)?;
        let mut state = self.write();
        let mut rest = events;
        for (first, count) in starts {
            let (of_block, after) = rest.split_at(rest.len().min(count as usize));
            if let Some(last) = of_block.last() {
                state.recent.add(first, last.seq, of_block);
            }
            rest = after;
        }
        state.cover(events);
        Ok(())
    }

    /// Puts the newest terms away to be written, when there are `run_events_max` of them. `true`: there is something to
    /// write.
    pub(in crate::journal) fn freeze(&self, run_events_max: u64) -> bool {
        let mut state = self.write();
        if state.recent.span() >= run_events_max.max(1) {
            state.freeze();
        }
        !state.frozen.is_empty()
    }

    /// Lists wait to be written.
    pub(in crate::journal) fn is_waiting(&self) -> bool {
        !self.read().frozen.is_empty()
    }

    /// No further list may be frozen before one has been written.
    pub(in crate::journal) fn is_behind(&self) -> bool {
        self.read().frozen.len() >= FROZEN_MAX
    }

    /// First numbers of the blocks that may hold any of the terms, in order, each once. The hashes are in order.
    pub(in crate::journal) fn blocks_with(&self, hashes: &[TermHash]) -> Result<Vec<Seq>, ReadError> {
        let mut blocks = Vec::new();
        let runs = {
            let state = self.read();
            state.recent.blocks(hashes, &mut blocks);
            state.frozen.iter().for_each(|recent| recent.blocks(hashes, &mut blocks));
            state.runs.clone()
        };
        for run in runs {
            hashes.iter().try_for_each(|hash| run.blocks(*hash, &mut blocks))?;
        }
        blocks.sort_unstable();
        blocks.dedup();
        Ok(blocks)
    }

    pub(super) fn lock_located(&self) -> MutexGuard<'_, Option<Located>> {
        self.located.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
