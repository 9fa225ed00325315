//! How long to wait before the next attempt. Pure.

use std::time::Duration;

use crate::config;

/// A connection that lasted this long was well; the next outage starts from the shortest wait again.
pub(super) const STABLE: Duration = Duration::from_secs(60);

/// Exponential, with jitter: a random part of the second half of the wait, so that several do not come back in step.
#[derive(Debug)]
pub(super) struct Backoff {
    settings: config::Backoff,
    attempts: u32,
}

impl Backoff {
    /// Starts with the shortest wait.
    pub fn new(settings: config::Backoff) -> Self {
        Backoff { settings, attempts: 0 }
    }

    /// The attempt before lasted for `lasted`; the wait before the next one. `random` is any number.
    pub fn after(&mut self, lasted: Duration, random: u64) -> Duration {
        if lasted >= STABLE {
            self.attempts = 0;
        }
        let doubled = 2_u32.saturating_pow(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        let full = self.settings.min.saturating_mul(doubled).min(self.settings.max);
        let half = full / 2;
        let part = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(random % part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(config::Backoff { min: Duration::from_millis(500), max: Duration::from_secs(30) })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = backoff();
        let waits: Vec<_> = (0..8).map(|_| backoff.after(Duration::ZERO, 0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    }

    #[test]
    fn the_random_part_stays_within_the_second_half() {
        for random in [0, 1, 249_999, 250_000, u64::MAX] {
            let wait = backoff().after(Duration::ZERO, random);
            assert!((250..500).contains(&wait.as_millis()), "{random}: {wait:?}");
        }
    }

    #[test]
    fn a_stable_connection_starts_over() {
        let mut backoff = backoff();
        (0..5).for_each(|_| _ = backoff.after(Duration::ZERO, 0));
        assert_eq!(backoff.after(STABLE, 0).as_millis(), 250);
    }
}
