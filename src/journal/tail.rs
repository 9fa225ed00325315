//! The newest commits, handed over in memory: one follower need not read back what was written a moment ago.
//!
//! Who appends offers every commit after it is durable. Nobody waits for the follower: a commit for which there is no
//! room is missed, and to be read from the journal. Memory goes around: the follower gives back what it has used.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::{Event, Seq};

/// Commits that wait: one that is next, and one that comes while it is taken. A follower further behind reads.
const WAITING_MAX: usize = 2;
/// Bytes of the events that wait, without their bodies: two commits at full speed, 4096 events of 1 KiB. Larger ones
/// are of a slow disk, where reading back is a small part of what they cost.
const WAITING_BYTES_MAX: usize = 12 << 20;
/// Emptied vectors kept. One more is with who appends.
const SPARES_MAX: usize = 1;
/// Events that such a vector may have room for; after larger commits its memory is given back.
const SPARE_EVENTS_MAX: usize = 8192;

/// The newest commits, for one follower. A cheap handle.
#[derive(Clone, Default)]
pub struct Tail(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Commit>,
    bytes: usize,
    /// The newest event that was not handed over, where nothing that waits comes after it.
    missed: Option<Seq>,
    spares: Vec<Vec<Event>>,
}

struct Commit {
    events: Vec<Event>,
    bytes: usize,
}

/// What there is for the follower.
#[derive(Debug, PartialEq)]
pub enum News {
    /// The events of a commit, without the bytes of their bodies; nothing that is older waits. What is missing before
    /// them was missed.
    Commit(Vec<Event>),
    /// Everything up to this number is in the journal, and nothing of it waits.
    Missed(Seq),
}

impl Tail {
    /// Takes the events of a commit that is durable, and leaves an empty vector for the next.
    pub fn offer(&self, events: &mut Vec<Event>) {
        let Some(last) = events.last().map(|event| event.seq) else { return };
        for body in events.iter_mut().filter_map(|event| event.body.as_mut()) {
            body.data = Vec::new();
        }
        let bytes = events.iter().map(|event| size_of::<Event>() + event.weight()).sum();
        let mut state = self.lock();
        if state.waiting.len() < WAITING_MAX && state.bytes.saturating_add(bytes) <= WAITING_BYTES_MAX {
            let spare = state.spares.pop().unwrap_or_default();
            state.waiting.push_back(Commit { events: std::mem::replace(events, spare), bytes });
            state.bytes += bytes;
            // The follower sees the hole before this commit.
            state.missed = None;
        } else {
            state.missed = Some(last);
        }
        drop(state);
        self.0.news.notify_one();
        // Of what was missed, without the lock.
        events.clear();
    }

    /// Tells that the journal holds events up to `last` that are not offered, or only later.
    pub fn miss(&self, last: Seq) {
        let mut state = self.lock();
        if state.waiting.iter().filter_map(|commit| commit.events.last()).all(|event| event.seq < last) {
            state.missed = state.missed.max(Some(last));
        }
        drop(state);
        self.0.news.notify_one();
    }

    /// The oldest news.
    #[must_use]
    pub fn take(&self) -> Option<News> {
        let mut state = self.lock();
        if let Some(Commit { events, bytes }) = state.waiting.pop_front() {
            state.bytes -= bytes;
            return Some(News::Commit(events));
        }
        state.missed.take().map(News::Missed)
    }

    /// Gives memory back for another commit.
    pub fn give_back(&self, mut events: Vec<Event>) {
        events.clear();
        let mut state = self.lock();
        if state.spares.len() < SPARES_MAX && events.capacity() <= SPARE_EVENTS_MAX {
            state.spares.push(events);
        }
    }

    /// Completes when there may be news that were not taken.
    pub async fn news(&self) {
        // Of one who waits, a notification that comes before is kept.
        self.0.news.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use crate::model::{Kind, Source, Timestamp, Value};

    use super::*;

    fn event(seq: u64, header_bytes: usize) -> Event {
        let mut event = Event::new(Kind::Publish, Source::Proxy, Timestamp::default());
        event.seq = Seq(seq);
        event.headers.push(("x".into(), Value::Bytes(vec![0; header_bytes])));
        event
    }

    fn offer(tail: &Tail, mut events: Vec<Event>) -> Vec<Event> {
        tail.offer(&mut events);
        assert!(events.is_empty());
        events
    }

    fn seqs(news: Option<News>) -> Vec<u64> {
        let Some(News::Commit(events)) = news else { panic!("{news:?}") };
        events.iter().map(|event| event.seq.0).collect()
    }

    #[test]
    fn commits_come_in_order_and_the_third_that_waits_is_missed() {
        let tail = Tail::default();
        assert_eq!(tail.take(), None);
        offer(&tail, vec![]);
        assert_eq!(tail.take(), None, "a commit of nothing is no news");
        for seq in [1, 3, 5] {
            offer(&tail, vec![event(seq, 0), event(seq + 1, 0)]);
        }
        assert_eq!(seqs(tail.take()), [1, 2]);
        assert_eq!(seqs(tail.take()), [3, 4]);
        assert_eq!(tail.take(), Some(News::Missed(Seq(6))));
        assert_eq!(tail.take(), None);
    }

    #[test]
    fn a_commit_after_a_missed_one_tells_of_it() {
        let tail = Tail::default();
        (1..=3).for_each(|seq| drop(offer(&tail, vec![event(seq, 0)])));
        assert_eq!(seqs(tail.take()), [1]);
        offer(&tail, vec![event(4, 0)]);
        assert_eq!((seqs(tail.take()), seqs(tail.take())), (vec![2], vec![4]));
        assert_eq!(tail.take(), None, "the hole before 4 is seen by its number");
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let tail = Tail::default();
        offer(&tail, vec![event(1, WAITING_BYTES_MAX)]);
        assert_eq!(tail.take(), Some(News::Missed(Seq(1))), "there is no room for so large a commit");
        let half = WAITING_BYTES_MAX / 2;
        offer(&tail, vec![event(2, half)]);
        offer(&tail, vec![event(3, half)]);
        assert_eq!(seqs(tail.take()), [2]);
        assert_eq!(tail.take(), Some(News::Missed(Seq(3))));
        offer(&tail, vec![event(4, half)]);
        assert_eq!(seqs(tail.take()), [4], "what was taken makes room");
    }

    #[test]
    fn memory_goes_around() {
        let tail = Tail::default();
        let mut first = Vec::with_capacity(4096);
        first.push(event(1, 0));
        let memory = first.as_ptr();
        assert_eq!(offer(&tail, first).capacity(), 0, "nothing was given back yet");
        let Some(News::Commit(events)) = tail.take() else { panic!("a commit waits") };
        tail.give_back(events);
        let next = offer(&tail, vec![event(2, 0)]);
        assert_eq!((next.as_ptr(), next.capacity()), (memory, 4096));
    }

    #[test]
    fn a_missed_commit_leaves_its_memory_where_it_is() {
        let tail = Tail::default();
        (1..=2).for_each(|seq| drop(offer(&tail, vec![event(seq, 0)])));
        let mut third = Vec::with_capacity(4096);
        third.push(event(3, 0));
        assert_eq!(offer(&tail, third).capacity(), 4096);
    }

    #[test]
    fn few_and_small_vectors_are_kept() {
        let tail = Tail::default();
        tail.give_back(Vec::with_capacity(SPARE_EVENTS_MAX + 1));
        (1..=3).for_each(|_| tail.give_back(Vec::with_capacity(16)));
        assert_eq!(tail.lock().spares.len(), SPARES_MAX);
        assert!(tail.lock().spares.iter().all(|spare| spare.capacity() == 16));
    }

    #[test]
    fn what_is_told_to_be_missed_is_news_unless_it_waits() {
        let tail = Tail::default();
        tail.miss(Seq(2));
        assert_eq!(tail.take(), Some(News::Missed(Seq(2))));
        offer(&tail, vec![event(3, 0), event(4, 0)]);
        tail.miss(Seq(4));
        assert_eq!((seqs(tail.take()), tail.take()), (vec![3, 4], None));
    }

    #[test]
    fn each_commit_ends_the_wait_even_when_it_came_before_the_wait_and_was_missed() {
        let tail = Tail::default();
        let is_told = || tail.news().now_or_never().is_some();
        assert!(!is_told());
        offer(&tail, vec![event(1, 0)]);
        assert!(is_told() && !is_told());
        offer(&tail, vec![event(2, WAITING_BYTES_MAX)]);
        assert!(is_told() && !is_told());
        tail.miss(Seq(3));
        assert!(is_told() && !is_told());
    }
}
