//! The journal of a stopped hoptrail: its content in numbers, and its soundness.
//!
//! Changes nothing, repairs nothing, and never makes a journal. Sealed partitions are read without sled. Only sled can
//! open the others, and it writes when it does. If its log is torn, even by one flipped bit, it wipes the rest of the
//! segment, and with it events that salvage could save. So they are copied, one at a time, and sled opens the copy.
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
