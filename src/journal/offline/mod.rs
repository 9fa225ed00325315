//! Looking at the journal of a stopped hoptrail: what is in it, and whether it is sound.
//!
//! Changes nothing that a start would need, repairs nothing, and never makes a journal. sled cannot open a database
//! without writing to it, and where its log is torn it wipes what follows. So a partition whose log sled has to read
//! (one that is not sealed, or has no snapshot) is copied and the copy opened; of a sealed one with its snapshot sled
//! reads the pages that it is asked for, and writes nothing.
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
pub use stopped::{forget_runs, require};

#[cfg(test)]
mod tests;
