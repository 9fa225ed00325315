//! Partitions that were set aside because of damage, and the events that were lost with them.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::model::{Seq, Timestamp};

/// A partition that could not be used: renamed to `….damaged`, and a hole in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// Its directory now. For a partition that was not there at all, the journal's directory.
    pub dir: PathBuf,
    /// The reason.
    pub reason: String,
    /// Events that could be read and are in the journal again.
    pub salvaged: u64,
    /// The lost events, in order.
    pub lost: Vec<Hole>,
}

/// Events that are lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// The numbers of the lost events.
    pub seqs: RangeInclusive<Seq>,
    /// Nothing before this moment is lost.
    pub from: Timestamp,
    /// Nothing after this moment is lost.
    pub to: Timestamp,
}

impl Hole {
    /// The count of its numbers.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.seqs.end().0 + 1).saturating_sub(self.seqs.start().0)
    }

    /// Whether the hole has no numbers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }
}
