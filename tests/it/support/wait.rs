//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// Long enough for a busy machine; a test that fails is allowed to take its time.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often the condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until there is a value. `Err` says what is still missing; the last one is told when time is up.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    within(DEADLINE, what, look).await
}

/// The same with another deadline.
pub async fn within<T>(deadline: Duration, what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(missing) if started.elapsed() > deadline => panic!("{what}: not after {deadline:?}: {missing}"),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// A condition as what [`eventually`] takes.
pub fn ensure(holds: bool, missing: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(missing()) }
}
