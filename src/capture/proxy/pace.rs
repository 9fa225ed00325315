//! The rate of observing. While the processors are busy it is low, as long as the bytes that passed can wait.
//!
//! Recording takes more of a processor than passing on. On a shared machine it would take every moment from a busy
//! broker. So a burst is recorded a few seconds later. Trying finds the time to spare: a little faster as long as the
//! processors are not busy, and at once much slower when they are. To stop and go instead would take a processor from
//! the broker for as long as it takes to catch up.
//!
//! Low priorities did less: where the system shares processors between services first, a thread of low priority still
//! gets the share of its own. Where it gets none, bytes are lost once the backlog is full. So bytes that have waited
//! long enough are observed at full speed.

use std::fs;
use std::time::{Duration, Instant};

use crate::clock;
use crate::model::Timestamp;

/// Busy means that less than this part of the processors' time was idle.
const IDLE_MIN: f64 = 0.1;
/// How often to look; the kernel counts in hundredths of a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes are observed after this time at the latest, busy or not: nobody should wait long for an event.
const DEFERRED_MAX: Duration = Duration::from_secs(5);
/// Bytes a second that are always observed: some hundred messages.
const RATE_MIN: f64 = 1e6;
/// As good as no limit.
const RATE_MAX: f64 = 1e10;
/// The factor of the rate while the processors are busy, and while they are not. A few looks in a hundred that find
/// them busy by chance leave it growing.
const SLOWER: f64 = 0.5;
const FASTER: f64 = 1.5;

/// How fast to observe.
pub(super) struct Pace {
    looked_at: Option<Instant>,
    idle: u64,
    total: u64,
    /// Bytes a second.
    rate: f64,
    /// Bytes observed since the last look.
    observed: u64,
    /// When the bytes observed so far have taken their time.
    free_at: Option<Instant>,
}

impl Pace {
    /// At full speed.
    pub(super) fn new() -> Self {
        Pace { looked_at: None, idle: 0, total: 0, rate: RATE_MAX, observed: 0, free_at: None }
    }

    /// How much longer the backlog should wait; its oldest batch has waited since `oldest`. `can_wait`: there is room
    /// for it.
    pub(super) fn wait(&mut self, oldest: Option<Timestamp>, can_wait: bool) -> Duration {
        let now = clock::instant();
        if self.looked_at.is_none_or(|at| now.duration_since(at) >= LOOK_EVERY) {
            self.look(now);
        }
        self.time_left(now, oldest, can_wait)
    }

    fn time_left(&mut self, now: Instant, oldest: Option<Timestamp>, can_wait: bool) -> Duration {
        let is_old = oldest.is_some_and(|oldest| clock::now().since(oldest) >= DEFERRED_MAX);
        if is_old || !can_wait {
            self.free_at = None;
        }
        self.free_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now)).min(LOOK_EVERY)
    }

    /// So many bytes were observed.
    pub(super) fn observed(&mut self, bytes: usize) {
        let now = clock::instant();
        self.observed += bytes as u64;
        let time = Duration::from_secs_f64(bytes as f64 / self.rate);
        self.free_at = Some(self.free_at.map_or(now, |at| at.max(now)) + time);
    }

    /// Where the kernel does not tell, nothing is ever slowed down.
    fn look(&mut self, now: Instant) {
        let looked_at = self.looked_at.replace(now);
        let Some((idle, total)) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(times) else { return };
        let (idle_since, total_since) = (idle.saturating_sub(self.idle), total.saturating_sub(self.total));
        if let Some(looked_at) = looked_at
            && self.total > 0
            && total_since > 0
        {
            let is_busy = (idle_since as f64) < IDLE_MIN * total_since as f64;
            self.adapt(is_busy, self.observed as f64 / now.duration_since(looked_at).as_secs_f64());
        }
        (self.idle, self.total, self.observed) = (idle, total, 0);
    }

    /// `used`: bytes a second that were observed.
    fn adapt(&mut self, is_busy: bool, used: f64) {
        let rate = if is_busy { self.rate.min(used) * SLOWER } else { self.rate * FASTER };
        self.rate = rate.clamp(RATE_MIN, RATE_MAX);
        // A wait set at the old rate is too long at a higher one.
        if !is_busy {
            self.free_at = None;
        }
    }
}

/// Idle and all time of all processors (`proc(5)`, `/proc/stat`). Waiting for a disk is idle.
fn times(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map_while(|time| time.parse().ok()).collect();
    let idle = times.get(3)? + times.get(4)?;
    Some((idle, times.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_kernel_writes_them() {
        let stat = "cpu  10 1 20 300 5 0 4 2 7 0\ncpu0 5 0 10 150 2 0 2 1 3 0\n";
        assert_eq!(times(stat), Some((305, 342)));
        assert_eq!(times("cpu 1 2"), None);
        assert_eq!(times("intr 5"), None);
    }

    #[test]
    fn what_is_old_or_has_no_room_does_not_wait() {
        let mut pace = Pace { rate: RATE_MIN, ..Pace::new() };
        let (now, young) = (clock::instant(), clock::now());
        assert_eq!(pace.time_left(now, Some(young), true), Duration::ZERO);
        pace.observed(1_000_000);
        assert_eq!(pace.time_left(now, Some(young), true), LOOK_EVERY);
        assert_eq!(pace.time_left(now, Some(young), false), Duration::ZERO);
        pace.observed(1_000_000);
        assert_eq!(pace.time_left(now, Some(young.before(DEFERRED_MAX)), true), Duration::ZERO);
    }

    #[test]
    fn while_the_processors_are_busy_the_rate_falls_from_what_was_used_and_then_grows_again() {
        let mut pace = Pace::new();
        pace.adapt(true, 60e6);
        assert_eq!(pace.rate, 30e6);
        (0..10).for_each(|_| pace.adapt(true, 60e6));
        assert_eq!(pace.rate, RATE_MIN);
        (0..30).for_each(|_| pace.adapt(false, 0.0));
        assert_eq!(pace.rate, RATE_MAX);
        // One look in four that finds them busy does not keep a rate down that leaves them time.
        pace.rate = 10e6;
        for look in 0..40 {
            let used = pace.rate.min(40e6);
            pace.adapt(look % 4 == 0, used);
        }
        assert!(pace.rate > 40e6 * SLOWER, "{}", pace.rate);
    }
}
