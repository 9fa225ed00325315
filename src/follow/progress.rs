//! The progress of a follower, for any caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::journal::Reader;
use crate::model::Seq;

/// The progress of a follower. A cheap handle.
#[derive(Clone)]
pub struct Progress {
    reader: Reader,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    passed: AtomicU64,
    /// The sink panicked, and the follower has not caught up since.
    is_behind_a_panic: AtomicBool,
}

impl Progress {
    pub(super) fn new(reader: Reader) -> Self {
        Progress { reader, shared: Arc::default() }
    }

    /// The number of committed events that the sink does not have yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.reader.last_seq().0.saturating_sub(self.shared.passed.load(Ordering::Relaxed))
    }

    /// The sink panicked, and has not been given all events again since.
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
