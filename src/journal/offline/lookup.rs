//! Whether the index leads to the blocks.

use crate::journal::block::Opened;
use crate::journal::error::ReadError;
use crate::journal::index::Run;
use crate::journal::term::for_each_term;

/// About so many events of a partition are looked up, in whole blocks: an event has up to five terms, and a look-up
/// takes some fifty microseconds.
const LOOKED_UP: u64 = 16_384;

/// Looks terms up in runs whose pages are sound.
pub(super) struct Lookup<'a> {
    runs: Vec<&'a Run>,
    /// One block of so many is looked up.
    every: u64,
    blocks: u64,
}

impl<'a> Lookup<'a> {
    /// For a partition of so many events.
    pub(super) fn new(runs: Vec<&'a Run>, events: u64) -> Self {
        Lookup { runs, every: 1 + events / LOOKED_UP, blocks: 0 }
    }

    /// Some term of the block does not lead to it. Blocks that no run covers are not in the index yet.
    pub(super) fn misses(&mut self, block: &Opened) -> Result<bool, ReadError> {
        self.blocks += 1;
        let first = block.header.first;
        let covers = |run: &&&Run| run.meta().first <= first && first <= run.meta().last;
        let Some(run) = self.runs.iter().find(covers).filter(|_| (self.blocks - 1).is_multiple_of(self.every)) else {
            return Ok(false);
        };
        let mut hashes = Vec::new();
        block.events.iter().for_each(|event| for_each_term(event, |hash| hashes.push(hash)));
        hashes.sort_unstable();
        hashes.dedup();
        let mut blocks = Vec::new();
        for hash in hashes {
            blocks.clear();
            run.blocks(hash, &mut blocks)?;
            if !blocks.contains(&first) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
