//! `hoptrail journal`: the commands on the journal of a stopped hoptrail.
//!
//! The room owns the order of the work, and the look of its answers. The journal checks, salvages and rewrites.
//! `record` has the policy of retention and the events that tell of changes. The room does not know a running hoptrail:
//! the journal's lock keeps the two apart.

mod check;
mod compact;
mod repair;
mod run;
mod salvage;
mod stat;
mod view;

pub use repair::{Compacted, RepairError, compact, salvage};
pub use run::run;
