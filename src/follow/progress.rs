//! How far a follower is, for whoever asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::journal::Reader;
use crate::model::Seq;

/// How far a follower is. A cheap handle.
#[derive(Clone)]
pub struct Progress {
    reader: Reader,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    passed: AtomicU64,
    /// It panicked, and has not caught up since.
    is_behind_a_panic: AtomicBool,
}

impl Progress {
    pub(super) fn new(reader: Reader) -> Self {
        Progress { reader, shared: Arc::default() }
    }

    /// Committed events that the sink does not have yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.reader.last_seq().0.saturating_sub(self.shared.passed.load(Ordering::Relaxed))
    }

    /// The sink panicked, and has not been given everything anew since.
    #[must_use]
    pub fn is_behind_a_panic(&self) -> bool {
        self.shared.is_behind_a_panic.load(Ordering::Relaxed)
    }

    pub(super) fn pass(&self, seq: Seq) {
        self.shared.passed.store(seq.0, Ordering::Relaxed);
    }

    pub(super) fn panicked(&self) {
        self.shared.is_behind_a_panic.store(true, Ordering::Relaxed);
    }

    pub(super) fn caught_up(&self) {
        self.shared.is_behind_a_panic.store(false, Ordering::Relaxed);
    }
}
