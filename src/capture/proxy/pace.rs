//! When to observe: not while the processors have no time to spare, as long as what passed can wait.
//!
//! Recording takes more of a processor than passing on. On a machine that it shares with a busy broker, every moment of
//! it would be taken from the broker; a burst is recorded a few seconds later instead. Low priorities did less: where the system shares
//! processors between services first, a thread of low priority still gets the share of its own; and where it gets none,
//! what passes is lost once the backlog is full. So what has waited long enough competes like everything else.

use std::fs;
use std::time::{Duration, Instant};

use crate::clock;
use crate::model::Timestamp;

/// Busy means that less than this part of the processors' time was idle.
const IDLE_MIN: f64 = 0.15;
/// How often to look; the kernel counts in hundredths of a second.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What passed is observed after this time at the latest, busy or not: nobody should wait long for an event.
const DEFERRED_MAX: Duration = Duration::from_secs(5);

/// How busy the processors are.
#[derive(Default)]
pub(super) struct Pace {
    looked_at: Option<Instant>,
    idle: u64,
    total: u64,
    is_busy: bool,
}

impl Pace {
    /// What has waited since `oldest` should wait on. `can_wait`: and there is room for it.
    pub(super) fn defers(&mut self, oldest: Option<Timestamp>, can_wait: bool) -> bool {
        let now = clock::instant();
        if self.looked_at.is_none_or(|at| now.duration_since(at) >= LOOK_EVERY) {
            self.look(now);
        }
        let is_young = oldest.is_none_or(|oldest| clock::now().since(oldest) < DEFERRED_MAX);
        self.is_busy && can_wait && is_young
    }

    /// Where the kernel does not tell, nothing is ever deferred.
    fn look(&mut self, now: Instant) {
        let Some((idle, total)) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(times) else { return };
        let (idle_since, total_since) = (idle.saturating_sub(self.idle), total.saturating_sub(self.total));
        if self.total > 0 && total_since > 0 {
            self.is_busy = (idle_since as f64) < IDLE_MIN * total_since as f64;
        }
        (self.looked_at, self.idle, self.total) = (Some(now), idle, total);
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
    fn what_is_old_or_has_no_room_is_not_deferred() {
        let mut pace = Pace { looked_at: Some(clock::instant()), is_busy: true, ..Pace::default() };
        let now = clock::now();
        assert!(pace.defers(Some(now), true));
        assert!(!pace.defers(Some(now), false));
        assert!(!pace.defers(Some(now.before(DEFERRED_MAX)), true));
        pace.is_busy = false;
        assert!(!pace.defers(Some(now), true));
    }
}
