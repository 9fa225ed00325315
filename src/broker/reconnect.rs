//! How long to wait before the next connection.

use std::time::Duration;

use crate::config;
use crate::web::Backoff;

/// A connection that lasted this long was well; the next outage starts from the shortest wait again.
const STABLE: Duration = Duration::from_secs(60);

/// The waits between connections.
#[derive(Debug)]
pub struct Reconnect(Backoff);

impl Reconnect {
    /// Starts with the shortest wait.
    #[must_use]
    pub fn new(settings: config::Backoff) -> Self {
        Reconnect(Backoff::new(settings.min, settings.max))
    }

    /// The attempt before lasted for `lasted`; the wait before the next one.
    pub fn after(&mut self, lasted: Duration) -> Duration {
        if lasted >= STABLE {
            self.0.reset();
        }
        self.0.next_wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stable_connection_starts_over() {
        let settings = config::Backoff { min: Duration::from_millis(500), max: Duration::from_secs(30) };
        let mut reconnect = Reconnect::new(settings);
        (0..5).for_each(|_| _ = reconnect.after(Duration::ZERO));
        assert!(reconnect.after(STABLE - Duration::from_millis(1)) >= Duration::from_secs(8));
        assert!(reconnect.after(STABLE) <= Duration::from_millis(500));
    }
}
