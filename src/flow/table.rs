//! A bounded map whose entries leave in the order of their last change, finished ones first.
//!
//! Entries stay at their place in a vector. The map finds the place of a key. The two queues are lists that run through
//! the places, so a change takes one look-up and a few links.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Known;
use std::hash::Hash;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::model::Timestamp;

/// Entries of each queue that a sweep removes for their age. A change adds fewer, so old entries do not pile up.
const SWEEP_STEP: usize = 4;

/// The bounds of a table.
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

/// The map. Every entry stands in one of the two queues, in the order of the last changes.
pub(super) struct Table<K, V> {
    places: HashMap<K, usize, RandomState>,
    entries: Vec<Option<Entry<K, V>>>,
    /// Places without an entry.
    free: Vec<usize>,
    finished: Queue,
    unfinished: Queue,
}

struct Entry<K, V> {
    key: K,
    value: V,
    changed_at: Timestamp,
    is_finished: bool,
    /// Its neighbours in the queue.
    older: Option<usize>,
    newer: Option<usize>,
}

#[derive(Default)]
struct Queue {
    oldest: Option<usize>,
    newest: Option<usize>,
    len: usize,
}

impl<K: Clone + Eq + Hash, V> Table<K, V> {
    pub(super) fn new() -> Self {
        Table {
            places: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            finished: Queue::default(),
            unfinished: Queue::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entry(*self.places.get(key)?).map(|entry| &entry.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().flatten().map(|entry| (&entry.key, &entry.value))
    }

    /// Changes the entry of `key`, and makes it first if there is none.
    pub(super) fn change(
        &mut self,
        key: K,
        now: Timestamp,
        make: impl FnOnce(&K) -> V,
        is_finished: impl FnOnce(&V) -> bool,
        change: impl FnOnce(&mut V),
    ) {
        let place = match self.places.entry(key) {
            Known::Occupied(known) => {
                let place = *known.get();
                self.leave_queue(place);
                place
            }
            Known::Vacant(new) => {
                let (key, value) = (new.key().clone(), make(new.key()));
                let entry = Entry { key, value, changed_at: now, is_finished: false, older: None, newer: None };
                let place = self.free.pop().unwrap_or(self.entries.len());
                match self.entries.get_mut(place) {
                    Some(free) => *free = Some(entry),
                    None => self.entries.push(Some(entry)),
                }
                *new.insert(place)
            }
        };
        if let Some(entry) = self.entry_mut(place) {
            change(&mut entry.value);
            (entry.changed_at, entry.is_finished) = (now, is_finished(&entry.value));
        }
        self.enter_queue(place);
    }

    /// Removes the finished entry with the oldest last change. If none is finished, it removes the oldest unfinished
    /// one.
    pub(super) fn pop_oldest(&mut self) -> Option<V> {
        let oldest = self.finished.oldest.or(self.unfinished.oldest)?;
        self.remove(oldest).map(|entry| entry.value)
    }

    /// All keys and values.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.entries.into_iter().flatten().map(|entry| (entry.key, entry.value))
    }

    /// Removes the entries past their time, and the oldest beyond the bounds. Returns the number of removed entries
    /// that were not finished.
    pub(super) fn sweep(&mut self, now: Timestamp, limits: &Limits) -> u64 {
        let kept = limits.finished_kept.min(limits.kept);
        self.remove_oldest(true, SWEEP_STEP, |at| now.since(at) > kept);
        self.remove_oldest(true, self.finished.len.saturating_sub(limits.finished_max), |_| true);
        let mut unfinished = self.remove_oldest(false, SWEEP_STEP, |at| now.since(at) > limits.kept);
        let over = self.len().saturating_sub(limits.len_max);
        let finished = self.remove_oldest(true, over, |_| true);
        unfinished += self.remove_oldest(false, over.saturating_sub(finished), |_| true);
        unfinished as u64
    }

    /// Removes the oldest entries, at most `count`, while `goes` accepts the time of their last change. Returns their
    /// number.
    fn remove_oldest(&mut self, finished: bool, count: usize, goes: impl Fn(Timestamp) -> bool) -> usize {
        for removed in 0..count {
            let Some(oldest) = self.queue(finished).oldest else { return removed };
            if !self.entry(oldest).is_some_and(|entry| goes(entry.changed_at)) {
                return removed;
            }
            self.remove(oldest);
        }
        count
    }

    fn remove(&mut self, place: usize) -> Option<Entry<K, V>> {
        self.leave_queue(place);
        let entry = self.entries.get_mut(place).and_then(Option::take)?;
        self.places.remove(&entry.key);
        self.free.push(place);
        Some(entry)
    }

    fn enter_queue(&mut self, place: usize) {
        let Some(is_finished) = self.entry(place).map(|entry| entry.is_finished) else { return };
        let queue = self.queue(is_finished);
        queue.len += 1;
        let older = queue.newest.replace(place);
        queue.oldest = queue.oldest.or(Some(place));
        if let Some(entry) = self.entry_mut(place) {
            (entry.older, entry.newer) = (older, None);
        }
        if let Some(older) = older.and_then(|older| self.entry_mut(older)) {
            older.newer = Some(place);
        }
    }

    fn leave_queue(&mut self, place: usize) {
        let Some(entry) = self.entry(place) else { return };
        let (older, newer, is_finished) = (entry.older, entry.newer, entry.is_finished);
        match older.and_then(|older| self.entry_mut(older)) {
            Some(older) => older.newer = newer,
            None => self.queue(is_finished).oldest = newer,
        }
        match newer.and_then(|newer| self.entry_mut(newer)) {
            Some(newer) => newer.older = older,
            None => self.queue(is_finished).newest = older,
        }
        self.queue(is_finished).len -= 1;
    }

    fn queue(&mut self, finished: bool) -> &mut Queue {
        if finished { &mut self.finished } else { &mut self.unfinished }
    }

    fn entry(&self, place: usize) -> Option<&Entry<K, V>> {
        self.entries.get(place)?.as_ref()
    }

    fn entry_mut(&mut self, place: usize) -> Option<&mut Entry<K, V>> {
        self.entries.get_mut(place)?.as_mut()
    }

    /// Every entry stands in exactly one queue, and the map names its place. Each queue is in order. All other places
    /// are free.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.len(), self.finished.len + self.unfinished.len);
        assert_eq!(self.entries.len(), self.len() + self.free.len());
        assert!(self.free.iter().all(|place| self.entry(*place).is_none()));
        for (queue, is_finished) in [(&self.finished, true), (&self.unfinished, false)] {
            let (mut len, mut older, mut next) = (0, None, queue.oldest);
            while let Some(place) = next {
                let entry = self.entry(place).expect("a queued entry exists");
                assert_eq!((entry.older, entry.is_finished), (older, is_finished));
                assert_eq!(self.places.get(&entry.key), Some(&place));
                let before = older.and_then(|older| self.entry(older));
                assert!(before.is_none_or(|before| before.changed_at <= entry.changed_at));
                (len, older, next) = (len + 1, Some(place), entry.newer);
                assert!(len <= queue.len, "a queue that runs in a circle");
            }
            assert_eq!((len, older), (queue.len, queue.newest));
        }
    }
}
