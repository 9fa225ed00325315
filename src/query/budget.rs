//! The bound on the work for one answer.

use std::time::{Duration, Instant};

/// The bound on the work for one answer. A search that spends it ends its page there, and goes on with the next page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Events decoded.
    pub(super) events_max: usize,
    /// Time spent.
    pub(super) time_max: Duration,
}

impl Budget {
    /// One core decodes 200 000 events in a second or two. Five seconds keep a slow disk well within the request's
    /// time.
    pub(super) const PAGE: Budget = Budget { events_max: 200_000, time_max: Duration::from_secs(5) };
    /// The clock is read once in this many events.
    const EVENTS_PER_LOOK: usize = 256;

    /// Whether `looked` events since `begun` use the budget up.
    pub(super) fn is_spent(&self, looked: usize, begun: Instant) -> bool {
        looked >= self.events_max || (looked.is_multiple_of(Self::EVENTS_PER_LOOK) && begun.elapsed() >= self.time_max)
    }
}
