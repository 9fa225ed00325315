//! The index: which blocks hold events that carry a term.
//!
//! A [`Pair`] is a term's hash (36 bits) over the distance of a block from the run's first event (28 bits). The pairs
//! of the newest events are in memory ([`recent`]) and are rebuilt from the blocks when a database is opened; when there
//! are enough, they are sorted and written as a [`run`], with a filter that tells most terms it does not hold.
//!
//! Knows nothing of events: it maps hashes to numbers of blocks.

mod filter;
mod recent;
mod run;

use crate::model::Seq;

use super::error::ReadError;
use super::term::TermHash;

pub(super) use recent::Recent;
pub(super) use run::{Run, load_runs, write_run};

/// A term and a block: what the index is made of.
pub(super) type Pair = u64;

/// Bits of a pair that tell the block.
const DISTANCE_BITS: u32 = 64 - super::term::TERM_BITS;

/// Events that one run may span.
pub(super) const RUN_EVENTS_MAX: u64 = 1 << DISTANCE_BITS;

fn pair(hash: TermHash, base: Seq, block: Seq) -> Pair {
    hash << DISTANCE_BITS | (block.0.saturating_sub(base.0) & (RUN_EVENTS_MAX - 1))
}

fn hash_of(pair: Pair) -> TermHash {
    pair >> DISTANCE_BITS
}

fn block_of(pair: Pair, base: Seq) -> Seq {
    Seq(base.0 + (pair & (RUN_EVENTS_MAX - 1)))
}

/// The index of one database.
pub(super) struct Index {
    pub(super) recent: Recent,
    pub(super) runs: Vec<Run>,
}

impl Index {
    /// First numbers of the blocks that may hold the term, in order, each once.
    pub(super) fn blocks(&self, pages: &sled::Tree, hash: TermHash) -> Result<Vec<Seq>, ReadError> {
        let mut blocks = Vec::new();
        for run in &self.runs {
            run.blocks(pages, hash, &mut blocks)?;
        }
        self.recent.blocks(hash, &mut blocks);
        blocks.sort_unstable();
        blocks.dedup();
        Ok(blocks)
    }
}
