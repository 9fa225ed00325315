//! Committed events, in the order of their numbers, for any number of followers.
//!
//! A [`Follower`] begins at a time in the past, or behind its kept [`Position`]. It reads the journal up to the
//! present. From then on it gets each commit in memory, from [`Commits`](crate::journal::Commits). It reads only the
//! commits that found no room. It runs on a thread of its own and hands all events to one sink, as [`Update`]s.
//! [`Progress`] gives its lag.
//!
//! The room knows nothing of its sinks. The engine of stalls and the detectors of alerts share one follower.
//!
//! # Invariants
//!
//! - Between two [`Update::Begin`], each event is handed on at most once, and in the order of the numbers.
//! - An event that is not handed on is counted by [`Update::Missing`] before any event that comes after it.
//! - A follower waits for its sink. No other part waits for a follower.
//! - A sink that panics ends neither the process nor the follower. The follower begins again.
//! - A position is written by its owner only. So no event is skipped before the owner has finished it.

mod follower;
mod position;
mod progress;

pub use follower::{Follower, Missing, Update};
pub use position::{Position, PositionError};
pub use progress::Progress;

#[cfg(test)]
mod tests;
