//! The span of a partition.

use crate::journal::index::Meta;
use crate::model::{Seq, Timestamp};

/// What a partition covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::journal) struct Span {
    pub(in crate::journal) first: Seq,
    pub(in crate::journal) last: Seq,
    pub(in crate::journal) first_at: Timestamp,
    pub(in crate::journal) last_at: Timestamp,
}

impl Span {
    /// What a run covers.
    pub(super) fn of(meta: &Meta) -> Span {
        Span { first: meta.first, last: meta.last, first_at: meta.first_at, last_at: meta.last_at }
    }
}
