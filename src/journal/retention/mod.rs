//! Retention: what is kept for how long, and how a partition loses the rest.
//!
//! A partition moves down by being rewritten: first without bodies, then without what is not critical; at last its
//! directory goes. Each step is one rename, so that a crash leaves it done or not done. What was recorded stays known in
//! numbers.
//!
//! Has no clock: who calls tells the time, and how fast to go.

mod disk;
mod keeper;
mod policy;
mod rewrite;

pub use disk::DiskSpace;
pub use keeper::{Change, Keeper, What};
pub(super) use policy::Kept;
pub use policy::{Policy, Rule};
