//! Retention: how long events are kept, and how a partition loses the others.
//!
//! A partition moves down when it is rewritten: first without bodies, then without events that are not critical. At
//! last its directory goes. Each step is one rename, so a crash leaves it done or not done. The numbers of the recorded
//! events stay known.
//!
//! Has no clock: the caller gives the time, and the rate.

mod disk;
mod keeper;
mod policy;
mod rewrite;

pub use disk::DiskSpace;
pub use keeper::{Change, Keeper, What};
pub(super) use policy::Kept;
pub use policy::{Policy, Rule};
