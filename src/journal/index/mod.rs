//! The index: it leads from a term to the blocks that hold events with that term.
//!
//! A [`Pair`] is a term's hash (36 bits) over the distance of a block from the run's first event (28 bits). The pairs
//! of the newest events are in memory ([`recent`]). Opening a database makes them again from the blocks. When there are
//! enough, they are sorted and written as a [`run`], an immutable file beside the database. Its [`filter`] excludes
//! most terms that it does not hold. When a partition is sealed, its runs are merged into one.
//!
//! Runs are files outside sled. sled would not give the space of merged runs back, and would keep a page table of them
//! in memory. It would also write their pages inside the commits. The blocks can make any run again.
//!
//! Knows neither events nor sled: it maps hashes to numbers of blocks.

mod filter;
mod merge;
mod page;
mod pairs;
mod recent;
mod run;
mod write;

use crate::model::Seq;

use super::term::TermHash;

pub(super) use merge::{Outer, merge};
pub(super) use recent::Recent;
pub(super) use run::{Meta, Run, Seal};
pub(super) use write::write_recent;

/// A term and a block: what the index is made of.
pub(super) type Pair = u64;

/// Bits of a pair that tell the block.
const DISTANCE_BITS: u32 = 64 - super::term::TERM_BITS;

/// Events that one run may span.
pub(super) const RUN_SPAN_MAX: u64 = 1 << DISTANCE_BITS;

/// The name of the file with a sealed partition's only run.
pub(super) const SEALED_FILE: &str = "index";
/// How the names of all other runs end.
pub(super) const RUN_SUFFIX: &str = ".run";

fn pair(hash: TermHash, base: Seq, block: Seq) -> Pair {
    hash << DISTANCE_BITS | (block.0.saturating_sub(base.0) & (RUN_SPAN_MAX - 1))
}

fn hash_of(pair: Pair) -> TermHash {
    pair >> DISTANCE_BITS
}

fn block_of(pair: Pair, base: Seq) -> Seq {
    Seq(base.0 + (pair & (RUN_SPAN_MAX - 1)))
}

#[cfg(test)]
mod tests;
