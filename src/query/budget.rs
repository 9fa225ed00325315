//! How much work one answer may be.

use std::time::{Duration, Instant};

/// How much work one answer may be. A search that finds little in much goes on with the next page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Events decoded.
    pub(super) events_max: usize,
    /// Time spent.
    pub(super) time_max: Duration,
}

impl Budget {
    /// 200 000 decoded events are a second or two of one core; five seconds keep a slow disk well within the
    /// request's time.
    pub(super) const PAGE: Budget = Budget { events_max: 200_000, time_max: Duration::from_secs(5) };
    /// The clock is asked once in this many events.
    const EVENTS_PER_LOOK: usize = 256;

    /// Whether `looked` events since `begun` use it up.
    pub(super) fn is_spent(&self, looked: usize, begun: Instant) -> bool {
        looked >= self.events_max || (looked.is_multiple_of(Self::EVENTS_PER_LOOK) && begun.elapsed() >= self.time_max)
    }
}
