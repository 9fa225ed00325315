//! How long to wait before the next attempt.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// Waits that double from the shortest to the longest. Half of each is drawn at random, so that several senders do not
/// come back in step.
#[derive(Debug)]
pub struct Backoff {
    builder: ExponentialBuilder,
    waits: ExponentialBackoff,
}

impl Backoff {
    /// Starts with the shortest wait.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        // The jitter comes on top of the delay and is as long as the delay at most.
        let builder = ExponentialBuilder::new().with_min_delay(min / 2).with_max_delay(max / 2);
        let builder = builder.without_max_times().with_jitter();
        Backoff { builder, waits: builder.build() }
    }

    /// The wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        // There is no end to them.
        self.waits.next().unwrap_or_default()
    }

    /// An attempt succeeded: the next wait is the shortest again.
    pub fn reset(&mut self) {
        self.waits = self.builder.build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
    }

    #[test]
    fn waits_double_up_to_the_longest_and_lie_in_their_second_half() {
        for _ in 0..100 {
            let mut backoff = backoff();
            for full in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000] {
                let wait = backoff.next_wait().as_millis();
                assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
            }
        }
    }

    #[test]
    fn waits_are_drawn() {
        let first = backoff().next_wait();
        assert!((0..100).any(|_| backoff().next_wait() != first));
    }

    #[test]
    fn a_success_starts_over() {
        let mut backoff = backoff();
        (0..5).for_each(|_| _ = backoff.next_wait());
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(500));
    }
}
