//! The only place that asks what time it is. Cores are given the time; shells ask here.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// Where the wall clock stands still.
static STOPPED: OnceLock<Timestamp> = OnceLock::new();

/// The wall clock, in UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    if let Some(at) = STOPPED.get() {
        return *at;
    }
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}

/// The monotonic clock, for measuring durations.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Stops the wall clock of this process at a moment, for good; a second call changes nothing. Only tests do this: they
/// compare whole answers, and an answer tells the moment at which it was given.
pub fn stop_at(at: Timestamp) {
    STOPPED.get_or_init(|| at);
}
