//! Merging runs: many into one, page by page, in the memory of one page a run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::journal::statistics::{Count, Counts};
use crate::model::{Seq, Timestamp};

use super::Pair;
use super::pairs::Pairs;
use super::run::{Run, Seal};
use super::write::{Cover, write_run};

/// How often a merge looks whether it is to stop.
const STOP_CHECK_PAIRS: u32 = 65_536;

/// What a merged run is to say beyond what its runs do: retention and damage leave less than was recorded.
#[derive(Clone, Debug, Default)]
pub(in crate::journal) struct Outer {
    /// The first number and its time.
    pub(in crate::journal) first: Option<(Seq, Timestamp)>,
    /// The last number and its time.
    pub(in crate::journal) last: Option<(Seq, Timestamp)>,
    /// What was recorded.
    pub(in crate::journal) counts: Option<Vec<Count>>,
}

/// Merges consecutive runs into one at `path`, sealed with `seal`, that keeps `places` as well. Ends with an error of kind `Interrupted` soon after
/// `stop` is set.
pub(in crate::journal) fn merge(
    path: &Path,
    runs: &[Arc<Run>],
    seal: Seal,
    outer: Outer,
    places: &[u8],
    stop: &AtomicBool,
) -> io::Result<Run> {
    let (Some(oldest), Some(newest)) = (runs.first(), runs.last()) else {
        return Err(io::Error::other("a partition without runs cannot be sealed"));
    };
    let (oldest, newest) = (oldest.meta(), newest.meta());
    let mut counts = Counts::default();
    match &outer.counts {
        Some(rows) => rows.iter().for_each(|row| counts.add_count(row)),
        None => runs.iter().flat_map(|run| &run.meta().counts).for_each(|row| counts.add_count(row)),
    }
    let (first, first_at) = outer.first.unwrap_or((oldest.first, oldest.first_at));
    let (last, last_at) = outer.last.unwrap_or((newest.last, newest.last_at));
    let cover = Cover { first, last, first_at, last_at, counts, seal: Some(seal) };
    write_run(path, cover, Merge::new(first, runs, stop)?, places)
}

/// A run's remaining pairs. Adding the distance of its base from the merged run's keeps their order.
struct Input<'a> {
    pairs: Pairs<'a>,
    shift: u64,
}

impl Input<'_> {
    fn next(&mut self) -> io::Result<Option<Pair>> {
        Ok(self.pairs.next().transpose()?.map(|pair| pair + self.shift))
    }
}

struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    heap: BinaryHeap<Reverse<(Pair, usize)>>,
    previous: Option<Pair>,
    stop: &'a AtomicBool,
    until_check: u32,
}

impl<'a> Merge<'a> {
    fn new(base: Seq, runs: &'a [Arc<Run>], stop: &'a AtomicBool) -> io::Result<Self> {
        let shift = |run: &Run| run.meta().first.0.saturating_sub(base.0);
        let inputs = runs.iter().map(|run| Input { pairs: run.pairs(), shift: shift(run) });
        let mut merge =
            Merge { inputs: inputs.collect(), heap: BinaryHeap::new(), previous: None, stop, until_check: 0 };
        for (number, input) in merge.inputs.iter_mut().enumerate() {
            merge.heap.extend(input.next()?.map(|pair| Reverse((pair, number))));
        }
        Ok(merge)
    }

    fn pop(&mut self) -> io::Result<Option<Pair>> {
        let Some(Reverse((pair, number))) = self.heap.pop() else { return Ok(None) };
        if let Some(input) = self.inputs.get_mut(number) {
            self.heap.extend(input.next()?.map(|pair| Reverse((pair, number))));
        }
        Ok(Some(pair))
    }
}

impl Iterator for Merge<'_> {
    type Item = io::Result<Pair>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.until_check == 0 {
            if self.stop.load(Ordering::Relaxed) {
                return Some(Err(io::ErrorKind::Interrupted.into()));
            }
            self.until_check = STOP_CHECK_PAIRS;
        }
        self.until_check -= 1;
        loop {
            match self.pop() {
                Ok(Some(pair)) if self.previous == Some(pair) => {}
                Ok(next) => {
                    self.previous = next;
                    return next.map(Ok);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
