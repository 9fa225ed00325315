//! Opening a partition: a sealed one by its run, another by its runs and the blocks that they do not cover.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};

use crate::journal::block::{Hash, Opener};
use crate::journal::error::{OpenError, ReadError};
use crate::journal::index::{RUN_SUFFIX, Run, SEALED_FILE};
use crate::journal::store::{Head, Store};
use crate::model::Seq;

use super::name::PartName;
use super::partition::{CACHE_BYTES, CONDEMNED_FILE, Part};
use super::slot::Slot;
use super::span::Span;
use super::state::State;

impl Part {
    /// Makes the database of a new partition.
    pub(in crate::journal) fn create(dir: &Path, name: PartName) -> Result<Part, OpenError> {
        let store = Store::open(dir, CACHE_BYTES);
        let store = store.map_err(|source| OpenError::Database { dir: dir.to_owned(), source })?;
        Ok(Part {
            name,
            dir: dir.to_owned(),
            store: Slot::with(Arc::new(store)),
            located: Mutex::default(),
            closed: AtomicBool::default(),
            state: RwLock::default(),
        })
    }

    /// Opens a sealed partition; `None` where it is not sealed, or its run is damaged and has to be built again.
    pub(in crate::journal) fn open_sealed(dir: &Path, name: PartName) -> Result<Option<(Part, Head)>, ReadError> {
        if dir.join(CONDEMNED_FILE).exists() {
            return Err(ReadError::Condemned);
        }
        let path = dir.join(SEALED_FILE);
        let run = match Run::open(&path) {
            Ok(run) => run,
            Err(newer @ ReadError::NewerRun { .. }) => return Err(newer),
            Err(_) => return Ok(None),
        };
        if run.meta().seal.is_none() {
            return Ok(None);
        }
        if !dir.join(crate::journal::store::FILE).exists() {
            return Err(ReadError::Gone { dir: dir.to_owned() });
        }
        remove_leftovers(dir);
        let state = State { span: Some(Span::of(run.meta())), runs: vec![Arc::new(run)], ..State::default() };
        let part = Part {
            name,
            dir: dir.to_owned(),
            store: Slot::default(),
            located: Mutex::default(),
            closed: AtomicBool::default(),
            state: RwLock::new(state),
        };
        Ok(part.head().map(|head| (part, head)))
    }

    /// Opens a partition that is not sealed; what its runs do not cover is read, and checked on the way: terms are kept
    /// in lists of `run_events_max` events.
    pub(in crate::journal) fn open(
        dir: &Path,
        name: PartName,
        run_events_max: u64,
    ) -> Result<(Part, Option<Head>), ReadError> {
        if dir.join(CONDEMNED_FILE).exists() {
            return Err(ReadError::Condemned);
        }
        if !dir.join(crate::journal::store::FILE).exists() {
            return Err(ReadError::Gone { dir: dir.to_owned() });
        }
        let store = Arc::new(Store::open(dir, CACHE_BYTES)?);
        let head = store.head()?;
        let part = Part {
            name,
            dir: dir.to_owned(),
            store: Slot::with(store),
            located: Mutex::default(),
            closed: AtomicBool::default(),
            state: RwLock::default(),
        };
        let first = part.store()?.header_at_or_after(Seq(0))?;
        if let (Some(first), Some(head)) = (first, head) {
            let span = Span { first: first.first, last: head.last, first_at: first.first_at, last_at: head.last_at };
            let runs = load_runs(dir, span)?;
            let covered = runs.last().map_or(span.first, |run| run.meta().last.next());
            let state = State { span: Some(span), runs, ..State::default() };
            let state = part.recover(state, covered, head, run_events_max)?;
            *part.write() = state;
        } else if first.is_some() || head.is_some() {
            return Err(ReadError::Index { what: "head" });
        }
        Ok((part, head))
    }

    /// Reads all blocks of a partition that is not sealed again into lists, which then take the place of its runs.
    pub(in crate::journal) fn reindex(&self, head: Head, run_events_max: u64) -> Result<(), ReadError> {
        let Some(span) = self.span() else { return Ok(()) };
        let fresh = self.recover(State { span: Some(span), ..State::default() }, span.first, head, run_events_max)?;
        let old = std::mem::replace(&mut *self.write(), fresh);
        old.runs.iter().for_each(|run| remove(run.path()));
        Ok(())
    }

    /// Reads the blocks from `next` up to the head, checking their chain.
    fn recover(&self, mut state: State, mut next: Seq, head: Head, run_events_max: u64) -> Result<State, ReadError> {
        let store = self.store()?;
        let mut opener = Opener::new()?;
        let mut hash: Option<Hash> = match next.0.checked_sub(1).zip(state.span) {
            Some((last, span)) if last >= span.first.0 => {
                let before = store.header_at_or_before(Seq(last))?.ok_or(ReadError::Index { what: "run" })?;
                Some(store.block(before.first, &mut opener)?.hash)
            }
            _ => None,
        };
        while next <= head.last {
            let opened = store.block(next, &mut opener)?;
            if hash.is_some_and(|hash| hash != opened.header.previous) {
                return Err(ReadError::Block { seq: next, reason: "it does not follow the block before it" });
            }
            hash = Some(opened.hash);
            state.recent.add(next, opened.header.last, &opened.events);
            if state.recent.span() >= run_events_max {
                state.freeze();
            }
            next = opened.header.last.next();
        }
        if next != head.last.next() || hash.is_some_and(|hash| hash != head.hash) {
            return Err(ReadError::Index { what: "head" });
        }
        Ok(state)
    }
}

/// The runs that cover the partition from its first event on without a hole. Others are of no use and are removed: the
/// blocks behind them are read again. So is what a crash has left half written.
fn load_runs(dir: &Path, span: Span) -> Result<Vec<Arc<Run>>, ReadError> {
    let mut runs = Vec::new();
    let unreadable = |error: std::io::Error| ReadError::Run { path: dir.to_owned(), reason: error.to_string() };
    for entry in std::fs::read_dir(dir).map_err(unreadable)?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(RUN_SUFFIX) {
            match Run::open(&path).and_then(|run| run.verify().map(|()| run)) {
                Ok(run) => runs.push(run),
                Err(newer @ ReadError::NewerRun { .. }) => return Err(newer),
                Err(_) => remove(&path),
            }
        } else if name.ends_with(".new") || name == SEALED_FILE {
            remove(&path);
        }
    }
    runs.sort_by_key(|run| run.meta().first);
    let mut next = span.first;
    let mut kept = Vec::new();
    for run in runs {
        if run.meta().first == next && run.meta().last <= span.last {
            next = run.meta().last.next();
            kept.push(Arc::new(run));
        } else {
            remove(run.path());
        }
    }
    Ok(kept)
}

/// The runs that a sealed one was merged from, where a crash left them.
fn remove_leftovers(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(RUN_SUFFIX) || name.ends_with(".new") {
            remove(&entry.path());
        }
    }
}

/// What cannot be removed does no harm: it is found again at the next start.
fn remove(path: &Path) {
    drop(std::fs::remove_file(path));
}
