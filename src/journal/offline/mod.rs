//! Looking at the journal of a stopped hoptrail: what is in it, and whether it is sound.
//!
//! Changes nothing, repairs nothing, and never makes a journal. Sealed partitions are read without sled. Others only sled
//! can open, and not without writing: where its log is torn, be it by one flipped bit, it wipes the rest of the segment,
//! and with it what salvage could save. So they are copied, one at a time, and the copy is opened.
//!
//! Does not use [`open`](super::open), which sets aside and salvages.

mod blocks;
mod check;
mod lookup;
mod problem;
mod scratch;
mod stat;
mod stopped;

pub use check::{Report, check};
pub use problem::{Damage, Problem};
pub use stat::{Gone, PartStat, Stat, stat};
pub use stopped::{condemn, require};

#[cfg(test)]
mod tests;
