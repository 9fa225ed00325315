//! The number of events in a sliding window.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Timestamp;

/// A window is counted in this many slots, so an event leaves it at most a thousandth early. One window takes 16 kB at
/// most, for any number of events.
const SLOTS: i64 = 1000;

/// The numbers of events by slot.
#[derive(Debug)]
pub(super) struct Window {
    /// In microseconds.
    slot: i64,
    /// Slots that hold events, oldest first.
    counts: VecDeque<(i64, u64)>,
    total: u64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Window { slot: (micros / SLOTS).max(1), counts: VecDeque::new(), total: 0 }
    }

    /// Events in the window as it was last moved.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Counts an event. Events come in the order of time.
    pub(super) fn add(&mut self, at: Timestamp) {
        let slot = at.as_micros().div_euclid(self.slot);
        match self.counts.back_mut() {
            Some((last, count)) if *last >= slot => *count += 1,
            _ => self.counts.push_back((slot, 1)),
        }
        self.total += 1;
    }

    /// Removes the oldest slot, if it has left the window at `now`. Returns the time at which it left.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<Timestamp> {
        let (oldest, count) = *self.counts.front()?;
        let left_at = oldest.saturating_add(SLOTS).saturating_mul(self.slot);
        if left_at > now.as_micros() {
            return None;
        }
        self.counts.pop_front();
        self.total -= count;
        Some(Timestamp::from_micros(left_at))
    }
}
