//! Pairs of the newest events, in memory: a few sorted lists and an unsorted one.

use crate::journal::term::TermHash;
use crate::model::Seq;

use super::{Pair, block_of, hash_of, pair};

/// An unsorted list is sorted at this length; looking through it takes about 20 µs.
const UNSORTED_MAX: usize = 32_768;

/// Pairs of blocks from `base` on.
#[derive(Default)]
pub(in crate::journal) struct Recent {
    base: Option<Seq>,
    unsorted: Vec<Pair>,
    sorted: Vec<Vec<Pair>>,
}

impl Recent {
    /// The first block whose terms are here; `None` while there is none.
    pub(in crate::journal) fn base(&self) -> Option<Seq> {
        self.base
    }

    /// Announces a block, before its terms are inserted.
    pub(in crate::journal) fn begin(&mut self, block: Seq) {
        self.base.get_or_insert(block);
    }

    pub(in crate::journal) fn insert(&mut self, hash: TermHash, block: Seq) {
        let pair = pair(hash, self.base.unwrap_or(block), block);
        self.unsorted.push(pair);
        if self.unsorted.len() >= UNSORTED_MAX {
            let mut list = std::mem::replace(&mut self.unsorted, Vec::with_capacity(UNSORTED_MAX));
            list.sort_unstable();
            list.dedup();
            self.sorted.push(list);
        }
    }

    pub(super) fn blocks(&self, hash: TermHash, blocks: &mut Vec<Seq>) {
        let Some(base) = self.base else { return };
        let here = |pair: &&Pair| hash_of(**pair) == hash;
        for list in &self.sorted {
            let from = list.partition_point(|pair| hash_of(*pair) < hash);
            let found = list.iter().skip(from).take_while(here);
            blocks.extend(found.map(|pair| block_of(*pair, base)));
        }
        blocks.extend(self.unsorted.iter().filter(here).map(|pair| block_of(*pair, base)));
    }

    /// All pairs, sorted, each once.
    pub(super) fn sorted(&self) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.sorted.iter().flatten().chain(&self.unsorted).copied().collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
