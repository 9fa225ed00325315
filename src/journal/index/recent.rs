//! Pairs of the newest events, in memory: a few sorted lists and an unsorted one.

use crate::journal::statistics::Counts;
use crate::journal::term::{TermHash, for_each_term};
use crate::model::{Event, Seq, Timestamp};

use super::{Pair, block_of, hash_of, pair};

/// An unsorted list is sorted at this length; looking through it takes about 20 µs.
const UNSORTED_MAX: usize = 32_768;

/// Pairs of blocks from `base` on, and what is counted of their events.
#[derive(Default)]
pub(in crate::journal) struct Recent {
    base: Option<Seq>,
    last: Seq,
    first_at: Timestamp,
    last_at: Timestamp,
    unsorted: Vec<Pair>,
    sorted: Vec<Vec<Pair>>,
    counts: Counts,
}

impl Recent {
    /// The first block whose terms are here; `None` while there is none.
    pub(in crate::journal) fn base(&self) -> Option<Seq> {
        self.base
    }

    /// The last event whose terms are here.
    pub(in crate::journal) fn last(&self) -> Seq {
        self.last
    }

    /// Times of the first and of the last event.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        (self.first_at, self.last_at)
    }

    /// What was counted.
    pub(in crate::journal) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many numbers it spans.
    pub(in crate::journal) fn span(&self) -> u64 {
        self.base.map_or(0, |base| self.last.0 - base.0 + 1)
    }

    /// Takes in a block that begins at `block` and ends at `last`.
    pub(in crate::journal) fn add(&mut self, block: Seq, last: Seq, events: &[Event]) {
        let (Some(first), Some(newest)) = (events.first(), events.last()) else { return };
        if self.base.is_none() {
            self.base = Some(block);
            self.first_at = first.at;
        }
        self.last = last;
        self.last_at = newest.at;
        for event in events {
            self.counts.add(event);
            for_each_term(event, |hash| self.insert(hash, block));
        }
    }

    fn insert(&mut self, hash: TermHash, block: Seq) {
        let pair = pair(hash, self.base.unwrap_or(block), block);
        self.unsorted.push(pair);
        if self.unsorted.len() >= UNSORTED_MAX {
            let mut list = std::mem::replace(&mut self.unsorted, Vec::with_capacity(UNSORTED_MAX));
            list.sort_unstable();
            list.dedup();
            self.sorted.push(list);
        }
    }

    /// The blocks that may hold any of the terms, whose hashes are in order.
    pub(in crate::journal) fn blocks(&self, hashes: &[TermHash], blocks: &mut Vec<Seq>) {
        let Some(base) = self.base else { return };
        for list in &self.sorted {
            for hash in hashes {
                let from = list.partition_point(|pair| hash_of(*pair) < *hash);
                let found = list.iter().skip(from).take_while(|pair| hash_of(**pair) == *hash);
                blocks.extend(found.map(|pair| block_of(*pair, base)));
            }
        }
        let found = self.unsorted.iter().filter(|pair| hashes.binary_search(&hash_of(**pair)).is_ok());
        blocks.extend(found.map(|pair| block_of(*pair, base)));
    }

    /// All pairs, sorted, each once.
    pub(super) fn sorted(&self) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.sorted.iter().flatten().chain(&self.unsorted).copied().collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
