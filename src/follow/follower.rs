//! A follower: it gets committed events, and hands them on.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::journal::{Commit, Commits, News, Order, Reader, Tail};
use crate::model::{Event, Seq, Timestamp};
use crate::{clock, task};

use super::position::Position;
use super::progress::Progress;

/// Events handed on together. A sink that holds a lock meanwhile holds it for this many events at most.
const CHUNK_LEN: usize = 512;
/// The interval at which a sink is given the time.
const TIME_EVERY: Duration = Duration::from_secs(1);
/// Events that may be under way to a follower that counts as caught up. Under load, these are the events of a moment.
const CAUGHT_UP_LAG: u64 = 4096;

/// An update that a follower hands to its sink.
#[derive(Debug)]
pub enum Update<'a> {
    /// Following begins, for the first time or again after a panic. All earlier updates no longer count.
    Begin,
    /// Committed events. Events that came in memory lack the bytes of their bodies.
    Events(&'a [Event]),
    /// Events that are not in the journal any more. This update comes before the next events.
    Missing(Missing),
    /// The present time, about once a second. The first comes when the sink has nearly all committed events.
    Time(Timestamp),
}

/// Events that retention has removed, or that damage has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The number of the first missing event.
    pub first: Seq,
    /// The number of the last missing event. Events between the two may be there.
    pub last: Seq,
    /// The number of missing events.
    pub count: u64,
}

/// Follows the journal and feeds one sink.
pub struct Follower<S> {
    reader: Reader,
    commits: Commits,
    from: Box<dyn Fn() -> Timestamp + Send>,
    position: Option<Position>,
    sink: S,
    progress: Progress,
    /// The next event. Every event before it is handed on, missing, or older than the beginning.
    next: Seq,
    is_caught_up: bool,
    told_time_at: Option<Instant>,
    read_back: u64,
    handed_over: u64,
    missed: u64,
}

impl<S: FnMut(Update<'_>)> Follower<S> {
    /// A follower that begins with the events of the time `from`, which is called at each beginning. `tail` is offered
    /// the commits of the journal behind `reader`. If there is no writer, give an empty tail.
    pub fn new(reader: Reader, tail: &Tail, from: impl Fn() -> Timestamp + Send + 'static, sink: S) -> Self {
        Follower {
            commits: tail.subscribe(),
            progress: Progress::new(reader.clone()),
            reader,
            from: Box::new(from),
            position: None,
            sink,
            next: Seq::FIRST,
            is_caught_up: false,
            told_time_at: None,
            read_back: 0,
            handed_over: 0,
            missed: 0,
        }
    }

    /// The same follower. It begins behind `position`, if one is kept.
    #[must_use]
    pub fn behind(self, position: Position) -> Self {
        Follower { position: Some(position), ..self }
    }

    /// The follower's progress.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Follows until cancelled; blocks its thread, whose name is `thread`. After a panic of the sink it begins again.
    pub fn run(mut self, thread: &'static str, runtime: &Handle, cancel: &CancellationToken) {
        let progress = self.progress();
        task::again(thread, runtime, cancel, || self.follow(runtime, cancel), || progress.panicked());
        info!(
            thread,
            seq = self.next.0,
            handed_over = self.handed_over,
            read_back = self.read_back,
            missed = self.missed,
            "no longer following the journal"
        );
    }

    fn follow(&mut self, runtime: &Handle, cancel: &CancellationToken) {
        self.begin(cancel);
        while !cancel.is_cancelled() {
            if !self.advance(cancel) {
                self.tell_time();
                let news = async { tokio::time::timeout(TIME_EVERY, self.commits.news()).await };
                // After any end of the wait, the loop checks for news, for the time and for cancellation.
                let _ = runtime.block_on(cancel.run_until_cancelled(news));
            }
        }
    }

    /// Hands on the events that are committed already.
    pub(super) fn begin(&mut self, cancel: &CancellationToken) {
        let last = self.reader.last_seq();
        self.next = self.first();
        (self.is_caught_up, self.told_time_at) = (false, None);
        info!(seq = self.next.0, behind = last.next().0.saturating_sub(self.next.0), "following the journal");
        self.progress.pass(Seq(self.next.0.saturating_sub(1)));
        (self.sink)(Update::Begin);
        self.read(last, cancel);
    }

    /// The first event to hand on.
    fn first(&self) -> Seq {
        if let Some(kept) = self.position.as_ref().and_then(Position::kept) {
            // Numbers that a damaged journal has lost at its end are given out again.
            return kept.next().min(self.reader.last_seq().next());
        }
        self.reader.seq_at((self.from)()).unwrap_or_else(|failure| {
            error!(error = %failure, "cannot find where to begin; following from the oldest event");
            self.reader.first_seq()
        })
    }

    /// Hands on the oldest news. `false`: there is none.
    pub(super) fn advance(&mut self, cancel: &CancellationToken) -> bool {
        match self.commits.take() {
            Some(News::Commit(commit)) => {
                self.take_over(&commit, cancel);
                self.commits.give_back(commit);
            }
            Some(News::Missed(last)) => self.read(last, cancel),
            None => return false,
        }
        true
    }

    /// The numbers of events handed on from the journal, and from memory.
    #[cfg(test)]
    pub(super) fn ways(&self) -> (u64, u64) {
        (self.read_back, self.handed_over)
    }

    /// Hands on a commit, after the events that were missed before it.
    fn take_over(&mut self, commit: &Commit, cancel: &CancellationToken) {
        if let Some(first) = commit.events().first() {
            self.read(Seq(first.seq.0.saturating_sub(1)), cancel);
        }
        let known = commit.events().partition_point(|event| event.seq < self.next);
        for chunk in commit.events().get(known..).unwrap_or_default().chunks(CHUNK_LEN) {
            // The events that were missed before it may not have been read to their end.
            if cancel.is_cancelled() {
                return;
            }
            self.handed_over += chunk.len() as u64;
            self.hand_on(chunk);
        }
    }

    /// Reads and hands on everything up to `last`, unless it is cancelled.
    fn read(&mut self, last: Seq, cancel: &CancellationToken) {
        if last < self.next {
            return;
        }
        let (mut chunk, missed) = (Vec::with_capacity(CHUNK_LEN), self.missed);
        for event in self.reader.scan(self.next..last.next(), Order::Ascending) {
            match event {
                Ok(event) => chunk.push(event),
                Err(failure) => error!(error = %failure, "events cannot be read; a follower goes on without them"),
            }
            if chunk.len() == CHUNK_LEN {
                if cancel.is_cancelled() {
                    return;
                }
                self.hand_on_read(&mut chunk);
            }
        }
        self.hand_on_read(&mut chunk);
        // Retention, or damage, may have taken the end.
        self.miss(last.next(), &[]);
        self.pass(last);
        let missing = self.missed - missed;
        if missing > 0 {
            info!(
                events = missing,
                before = self.next.0,
                "events are no longer in the journal; a follower goes on without them"
            );
        }
    }

    fn hand_on_read(&mut self, chunk: &mut Vec<Event>) {
        self.read_back += chunk.len() as u64;
        self.hand_on(chunk);
        chunk.clear();
    }

    fn hand_on(&mut self, chunk: &[Event]) {
        let Some(last) = chunk.last() else { return };
        self.miss(last.seq.next(), chunk);
        (self.sink)(Update::Events(chunk));
        self.pass(last.seq);
        self.tell_time();
    }

    /// Reports the events before `end` that are neither handed on nor in `chunk`.
    fn miss(&mut self, end: Seq, chunk: &[Event]) {
        let numbers = chunk.iter().map(|event| event.seq).chain([end]);
        let Some(missing) = missing(self.next, numbers) else { return };
        self.missed += missing.count;
        (self.sink)(Update::Missing(missing));
    }

    /// Marks every event up to `last` as handed on or missing.
    fn pass(&mut self, last: Seq) {
        self.next = self.next.max(last.next());
        self.progress.pass(last);
    }

    /// Gives the time once a second, after the follower has caught up. Before, the sink would take old events for
    /// present ones.
    fn tell_time(&mut self) {
        if !self.is_caught_up && self.progress.lag() <= CAUGHT_UP_LAG {
            self.is_caught_up = true;
            self.progress.caught_up();
        }
        let is_due = |at: Instant| clock::instant().duration_since(at) >= TIME_EVERY;
        if self.is_caught_up && self.told_time_at.is_none_or(is_due) {
            self.told_time_at = Some(clock::instant());
            (self.sink)(Update::Time(clock::now()));
        }
    }
}

/// The numbers from `next` on that `numbers` skip before their last one.
pub(super) fn missing(next: Seq, numbers: impl Iterator<Item = Seq>) -> Option<Missing> {
    let (mut next, mut missing) = (next, None);
    for number in numbers {
        if next < number {
            let (last, count) = (Seq(number.0 - 1), number.0 - next.0);
            let known = missing.unwrap_or(Missing { first: next, last, count: 0 });
            missing = Some(Missing { last, count: known.count + count, ..known });
        }
        next = number.next();
    }
    missing
}
