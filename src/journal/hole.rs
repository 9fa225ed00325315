//! Partitions that were set aside because of damage, and the events that were lost with them.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::model::{Seq, Timestamp};

/// A partition that could not be used: renamed to `….damaged`, and a hole in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// Where it lies now. Of one that was not there at all, the journal's directory.
    pub dir: PathBuf,
    /// Why.
    pub reason: String,
    /// Events that could be read and are in the journal again.
    pub salvaged: u64,
    /// What is lost, in order.
    pub lost: Vec<Hole>,
}

/// Events that are lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// Their numbers.
    pub seqs: RangeInclusive<Seq>,
    /// Nothing before this moment is lost.
    pub from: Timestamp,
    /// Nothing after this moment is lost.
    pub to: Timestamp,
}

impl Hole {
    /// How many numbers it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.seqs.end().0 + 1).saturating_sub(self.seqs.start().0)
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }
}
