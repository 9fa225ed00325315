//! A bounded map whose entries leave in the order of their last change, finished ones first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use crate::model::Timestamp;

/// Entries removed for their age with each change: more than are added, so that none pile up.
const SWEEP_STEP: usize = 4;

/// How long entries stay.
pub(super) struct Limits {
    /// Entries kept at a time.
    pub(super) len_max: usize,
    /// Finished entries among them.
    pub(super) finished_max: usize,
    /// A finished entry stays this long after its last change.
    pub(super) finished_kept: Duration,
    /// Any entry stays this long after its last change.
    pub(super) kept: Duration,
}

/// The map. Every entry stands in one of the two queues, under the number of its last change.
pub(super) struct Table<K, V> {
    entries: HashMap<K, Entry<V>>,
    finished: BTreeMap<u64, K>,
    unfinished: BTreeMap<u64, K>,
    changes: u64,
}

struct Entry<V> {
    value: V,
    changed_at: Timestamp,
    change: u64,
    is_finished: bool,
}

impl<K: Clone + Eq + Hash, V> Table<K, V> {
    pub(super) fn new() -> Self {
        Table { entries: HashMap::new(), finished: BTreeMap::new(), unfinished: BTreeMap::new(), changes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Changes the entry of `key`, made where there is none; what `change` returns.
    pub(super) fn change<R>(
        &mut self,
        key: &K,
        now: Timestamp,
        make: impl FnOnce() -> V,
        is_finished: impl FnOnce(&V) -> bool,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        self.changes += 1;
        let fresh = || Entry { value: make(), changed_at: now, change: 0, is_finished: false };
        let entry = self.entries.entry(key.clone()).or_insert_with(fresh);
        let result = change(&mut entry.value);
        let queue = if entry.is_finished { &mut self.finished } else { &mut self.unfinished };
        let key = queue.remove(&entry.change).unwrap_or_else(|| key.clone());
        (entry.change, entry.changed_at, entry.is_finished) = (self.changes, now, is_finished(&entry.value));
        let queue = if entry.is_finished { &mut self.finished } else { &mut self.unfinished };
        queue.insert(self.changes, key);
        result
    }

    /// Removes what is past its time, and the oldest beyond the bound; how many of those were not finished.
    pub(super) fn sweep(&mut self, now: Timestamp, limits: &Limits) -> u64 {
        let kept = limits.finished_kept.min(limits.kept);
        self.remove_oldest(true, SWEEP_STEP, |at| now.since(at) > kept);
        self.remove_oldest(true, self.finished.len().saturating_sub(limits.finished_max), |_| true);
        let mut unfinished = self.remove_oldest(false, SWEEP_STEP, |at| now.since(at) > limits.kept);
        let over = self.entries.len().saturating_sub(limits.len_max);
        let finished = self.remove_oldest(true, over, |_| true);
        unfinished += self.remove_oldest(false, over.saturating_sub(finished), |_| true);
        unfinished as u64
    }

    /// Removes the oldest, at most `count`, while `goes` says so of the time of their last change; how many.
    fn remove_oldest(&mut self, finished: bool, count: usize, goes: impl Fn(Timestamp) -> bool) -> usize {
        let queue = if finished { &mut self.finished } else { &mut self.unfinished };
        for removed in 0..count {
            let Some(oldest) = queue.first_entry() else { return removed };
            if !self.entries.get(oldest.get()).is_none_or(|entry| goes(entry.changed_at)) {
                return removed;
            }
            self.entries.remove(&oldest.remove());
        }
        count
    }

    /// Every entry stands in exactly one queue.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.entries.len(), self.finished.len() + self.unfinished.len());
        for (queue, is_finished) in [(&self.finished, true), (&self.unfinished, false)] {
            for (change, key) in queue {
                let entry = self.entries.get(key).expect("a queued entry exists");
                assert_eq!((entry.change, entry.is_finished), (*change, is_finished));
            }
        }
    }
}
