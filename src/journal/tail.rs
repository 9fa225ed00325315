//! The newest commits, handed over in memory: a follower need not read them back.
//!
//! The writer offers every commit once it is durable. It never waits for a follower. Each follower has a queue of its
//! own; it misses a commit that finds no room there, and reads it from the journal. Followers share a commit's events.
//! Memory goes around: the last follower gives a commit's memory back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::{Event, Seq};

/// Commits that wait for a follower: the next one, and one that comes while the follower takes it. A follower that is
/// further behind reads from the journal.
const WAITING_MAX: usize = 2;
/// Bytes of the events that wait for a follower, without their bodies. Two commits at full speed fit: 4096 events of
/// 1 KiB. Larger commits are of a slow disk, where reading them back is a small part of their cost.
const WAITING_BYTES_MAX: usize = 12 << 20;
/// Emptied vectors that are kept. The writer has one more.
const SPARES_MAX: usize = 1;
/// The largest capacity of a kept vector, in events. After larger commits the memory is freed.
const SPARE_EVENTS_MAX: usize = 8192;

/// The writer's end, which takes the offered commits. A cheap handle.
#[derive(Clone, Default)]
pub struct Tail(Arc<Mutex<State>>);

/// A follower's end, at which the newest commits wait.
pub struct Commits {
    tail: Tail,
    id: u64,
    news: Arc<Notify>,
}

#[derive(Default)]
struct State {
    followers: Vec<Waiting>,
    followers_ever: u64,
    spares: Vec<Vec<Event>>,
}

/// The commits that wait for one follower.
struct Waiting {
    id: u64,
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
    /// The newest event that was not handed over, if no waiting commit comes after it.
    missed: Option<Seq>,
    news: Arc<Notify>,
}

/// The events of one commit, without the bytes of their bodies.
#[derive(Debug, PartialEq)]
pub struct Commit {
    events: Vec<Event>,
    bytes: usize,
}

/// News for a follower.
#[derive(Debug, PartialEq)]
pub enum News {
    /// A commit; nothing older waits. The follower has missed any events that are missing before it.
    Commit(Arc<Commit>),
    /// Missed events: everything up to this number is in the journal, and none of it waits.
    Missed(Seq),
}

impl Tail {
    /// A follower's end. It is offered every commit from now on.
    #[must_use]
    pub fn subscribe(&self) -> Commits {
        let mut state = self.lock();
        let (id, news) = (state.followers_ever, Arc::new(Notify::new()));
        state.followers_ever += 1;
        let waiting = Waiting { id, commits: VecDeque::new(), bytes: 0, missed: None, news: news.clone() };
        state.followers.push(waiting);
        drop(state);
        Commits { tail: self.clone(), id, news }
    }

    /// Takes the events of a durable commit, and leaves an empty vector for the next.
    pub fn offer(&self, events: &mut Vec<Event>) {
        let Some(last) = events.last().map(|event| event.seq) else { return };
        for body in events.iter_mut().filter_map(|event| event.body.as_mut()) {
            body.data = Vec::new();
        }
        let bytes = events.iter().map(|event| size_of::<Event>() + event.weight()).sum();
        let mut state = self.lock();
        let State { followers, spares, .. } = &mut *state;
        let commit = followers.iter().any(|follower| follower.has_room(bytes)).then(|| {
            let spare = spares.pop().unwrap_or_default();
            Arc::new(Commit { events: std::mem::replace(events, spare), bytes })
        });
        for follower in followers {
            follower.offer(commit.as_ref().filter(|_| follower.has_room(bytes)), last);
        }
        drop(state);
        // The events that every follower missed are freed without the lock.
        events.clear();
    }

    /// Tells the followers that the journal holds events up to `last`. These are offered later, or not at all.
    pub fn miss(&self, last: Seq) {
        self.lock().followers.iter_mut().for_each(|follower| follower.miss(last));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self, bytes: usize) -> bool {
        self.commits.len() < WAITING_MAX && self.bytes.saturating_add(bytes) <= WAITING_BYTES_MAX
    }

    /// Takes a commit that ends with `last`. `None`: there is no room for the commit.
    fn offer(&mut self, commit: Option<&Arc<Commit>>, last: Seq) {
        // The follower sees the hole before a commit.
        self.missed = commit.is_none().then_some(last);
        if let Some(commit) = commit {
            self.bytes += commit.bytes;
            self.commits.push_back(Arc::clone(commit));
        }
        self.news.notify_one();
    }

    fn miss(&mut self, last: Seq) {
        if self.commits.iter().filter_map(|commit| commit.events.last()).all(|event| event.seq < last) {
            self.missed = self.missed.max(Some(last));
        }
        self.news.notify_one();
    }

    fn take(&mut self) -> Option<News> {
        if let Some(commit) = self.commits.pop_front() {
            self.bytes -= commit.bytes;
            return Some(News::Commit(commit));
        }
        self.missed.take().map(News::Missed)
    }
}

impl Commit {
    /// The events in the order of their numbers, without holes.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

impl Commits {
    /// The oldest news.
    #[must_use]
    pub fn take(&self) -> Option<News> {
        self.tail.lock().followers.iter_mut().find(|follower| follower.id == self.id)?.take()
    }

    /// Gives a commit back. The last follower that does so gives the commit's memory for another one.
    pub fn give_back(&self, commit: Arc<Commit>) {
        let Some(Commit { mut events, .. }) = Arc::into_inner(commit) else { return };
        events.clear();
        let mut state = self.tail.lock();
        if state.spares.len() < SPARES_MAX && events.capacity() <= SPARE_EVENTS_MAX {
            state.spares.push(events);
        }
    }

    /// Completes when there may be news that the follower has not taken.
    pub async fn news(&self) {
        // A notification that comes before the wait is kept.
        self.news.notified().await;
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.tail.lock().followers.retain(|follower| follower.id != self.id);
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

    fn followed() -> (Tail, Commits) {
        let tail = Tail::default();
        let commits = tail.subscribe();
        (tail, commits)
    }

    fn seqs(news: Option<News>) -> Vec<u64> {
        let Some(News::Commit(commit)) = news else { panic!("{news:?}") };
        commit.events().iter().map(|event| event.seq.0).collect()
    }

    #[test]
    fn commits_come_in_order_and_the_third_that_waits_is_missed() {
        let (tail, commits) = followed();
        assert_eq!(commits.take(), None);
        offer(&tail, vec![]);
        assert_eq!(commits.take(), None, "a commit of nothing is no news");
        for seq in [1, 3, 5] {
            offer(&tail, vec![event(seq, 0), event(seq + 1, 0)]);
        }
        assert_eq!(seqs(commits.take()), [1, 2]);
        assert_eq!(seqs(commits.take()), [3, 4]);
        assert_eq!(commits.take(), Some(News::Missed(Seq(6))));
        assert_eq!(commits.take(), None);
    }

    #[test]
    fn a_commit_after_a_missed_one_tells_of_it() {
        let (tail, commits) = followed();
        (1..=3).for_each(|seq| drop(offer(&tail, vec![event(seq, 0)])));
        assert_eq!(seqs(commits.take()), [1]);
        offer(&tail, vec![event(4, 0)]);
        assert_eq!((seqs(commits.take()), seqs(commits.take())), (vec![2], vec![4]));
        assert_eq!(commits.take(), None, "the hole before 4 is seen by its number");
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let (tail, commits) = followed();
        offer(&tail, vec![event(1, WAITING_BYTES_MAX)]);
        assert_eq!(commits.take(), Some(News::Missed(Seq(1))), "there is no room for so large a commit");
        let half = WAITING_BYTES_MAX / 2;
        offer(&tail, vec![event(2, half)]);
        offer(&tail, vec![event(3, half)]);
        assert_eq!(seqs(commits.take()), [2]);
        assert_eq!(commits.take(), Some(News::Missed(Seq(3))));
        offer(&tail, vec![event(4, half)]);
        assert_eq!(seqs(commits.take()), [4], "what was taken makes room");
    }

    #[test]
    fn memory_goes_around() {
        let (tail, commits) = followed();
        let mut first = Vec::with_capacity(4096);
        first.push(event(1, 0));
        let memory = first.as_ptr();
        assert_eq!(offer(&tail, first).capacity(), 0, "nothing was given back yet");
        let Some(News::Commit(commit)) = commits.take() else { panic!("a commit waits") };
        commits.give_back(commit);
        let next = offer(&tail, vec![event(2, 0)]);
        assert_eq!((next.as_ptr(), next.capacity()), (memory, 4096));
    }

    #[test]
    fn a_missed_commit_leaves_its_memory_where_it_is() {
        let (tail, _commits) = followed();
        (1..=2).for_each(|seq| drop(offer(&tail, vec![event(seq, 0)])));
        let mut third = Vec::with_capacity(4096);
        third.push(event(3, 0));
        assert_eq!(offer(&tail, third).capacity(), 4096);
    }

    #[test]
    fn few_and_small_vectors_are_kept() {
        let (tail, commits) = followed();
        let emptied = |capacity| Arc::new(Commit { events: Vec::with_capacity(capacity), bytes: 0 });
        commits.give_back(emptied(SPARE_EVENTS_MAX + 1));
        (1..=3).for_each(|_| commits.give_back(emptied(16)));
        assert_eq!(tail.lock().spares.len(), SPARES_MAX);
        assert!(tail.lock().spares.iter().all(|spare| spare.capacity() == 16));
    }

    #[test]
    fn what_is_told_to_be_missed_is_news_unless_it_waits() {
        let (tail, commits) = followed();
        tail.miss(Seq(2));
        assert_eq!(commits.take(), Some(News::Missed(Seq(2))));
        offer(&tail, vec![event(3, 0), event(4, 0)]);
        tail.miss(Seq(4));
        assert_eq!((seqs(commits.take()), commits.take()), (vec![3, 4], None));
    }

    #[test]
    fn each_commit_ends_the_wait_even_when_it_came_before_the_wait_and_was_missed() {
        let (tail, commits) = followed();
        let is_told = || commits.news().now_or_never().is_some();
        assert!(!is_told());
        offer(&tail, vec![event(1, 0)]);
        assert!(is_told() && !is_told());
        offer(&tail, vec![event(2, WAITING_BYTES_MAX)]);
        assert!(is_told() && !is_told());
        tail.miss(Seq(3));
        assert!(is_told() && !is_told());
    }

    #[test]
    fn each_follower_misses_for_itself_and_the_last_gives_the_memory_back() {
        let (tail, slow) = followed();
        let fast = tail.subscribe();
        for seq in 1..=3 {
            offer(&tail, vec![event(seq, 0)]);
            assert_eq!(seqs(fast.take()), [seq]);
        }
        assert_eq!(seqs(slow.take()), [1]);
        assert!(tail.lock().spares.is_empty(), "nothing was given back yet");
        offer(&tail, vec![event(4, 0)]);
        let (Some(News::Commit(second)), Some(News::Commit(fourth))) = (slow.take(), slow.take()) else {
            panic!("two commits wait")
        };
        assert_eq!((second.events()[0].seq, fourth.events()[0].seq), (Seq(2), Seq(4)));
        let Some(News::Commit(shared)) = fast.take() else { panic!("a commit waits") };
        slow.give_back(fourth);
        assert!(tail.lock().spares.is_empty(), "the other follower has it still");
        fast.give_back(shared);
        assert_eq!(tail.lock().spares.len(), 1);
    }

    #[test]
    fn where_nobody_follows_nothing_waits() {
        let (tail, commits) = followed();
        drop(commits);
        let mut events = Vec::with_capacity(4096);
        events.push(event(1, 0));
        assert_eq!(offer(&tail, events).capacity(), 4096);
        assert_eq!(tail.subscribe().take(), None, "a follower is offered what comes after it");
    }
}
