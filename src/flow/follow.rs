//! The task that follows the journal: every committed event, in order, to the engine and to whoever else wants it.
//!
//! The newest commits come over the [`Tail`], as they were in memory. What is older, and what the tail had no room for
//! while this was behind, is read from the journal.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::journal::{News, Order, Tail};
use crate::model::{Event, Seq, Timestamp};

use super::handle::Flow;

/// Events handed on together: the engine is locked no longer than these take.
const CHUNK_LEN: usize = 512;

/// Somebody who wants every committed event, in order.
pub type Sink = Box<dyn FnMut(&[Event]) + Send>;

/// Follows the journal from a moment in the past, then for ever. What happened before that moment is not followed.
pub struct Follower {
    flow: Flow,
    tail: Tail,
    sinks: Vec<Sink>,
    from: Timestamp,
    /// Everything before it is handed on, or lies too far back.
    next: Seq,
    read_back: u64,
    handed_over: u64,
}

impl Follower {
    /// A follower that begins with the events of `from`. `tail` is what the journal's writer offers its commits to;
    /// where nobody writes, an empty one.
    #[must_use]
    pub fn new(flow: Flow, tail: Tail, sinks: Vec<Sink>, from: Timestamp) -> Self {
        Follower { flow, tail, sinks, from, next: Seq::FIRST, read_back: 0, handed_over: 0 }
    }

    /// Blocks its thread until cancelled; `runtime` is where commits are announced.
    pub fn run(mut self, runtime: &Handle, cancel: &CancellationToken) {
        self.begin(cancel);
        while !cancel.is_cancelled() {
            if !self.advance(cancel) {
                runtime.block_on(cancel.run_until_cancelled(self.tail.news()));
            }
        }
        info!(
            seq = self.next.0,
            handed_over = self.handed_over,
            read_back = self.read_back,
            "no longer following the journal"
        );
    }

    /// Hands on what is committed already.
    pub(super) fn begin(&mut self, cancel: &CancellationToken) {
        let reader = self.flow.reader();
        self.next = reader.seq_at(self.from).unwrap_or_else(|failure| {
            error!(error = %failure, "cannot find where to begin; following from the oldest event");
            reader.first_seq()
        });
        let last = reader.last_seq();
        info!(seq = self.next.0, behind = last.next().0.saturating_sub(self.next.0), "following the journal");
        self.flow.applied(Seq(self.next.0.saturating_sub(1)));
        self.read(last, cancel);
    }

    /// Hands on the oldest news; `false`: there is none.
    pub(super) fn advance(&mut self, cancel: &CancellationToken) -> bool {
        match self.tail.take() {
            Some(News::Commit(events)) => self.take_over(events, cancel),
            Some(News::Missed(last)) => self.read(last, cancel),
            None => return false,
        }
        true
    }

    /// Events handed on that were read from the journal, and those that were not.
    #[cfg(test)]
    pub(super) fn ways(&self) -> (u64, u64) {
        (self.read_back, self.handed_over)
    }

    /// Hands on a commit, after what was missed before it.
    fn take_over(&mut self, events: Vec<Event>, cancel: &CancellationToken) {
        if let Some(first) = events.first() {
            self.read(Seq(first.seq.0.saturating_sub(1)), cancel);
        }
        let known = events.partition_point(|event| event.seq < self.next);
        for chunk in events.get(known..).unwrap_or_default().chunks(CHUNK_LEN) {
            // What was missed before it may not have been read to its end.
            if cancel.is_cancelled() {
                return;
            }
            self.handed_over += chunk.len() as u64;
            self.hand_on(chunk);
        }
        self.tail.give_back(events);
    }

    /// Reads and hands on everything up to `last`, unless it is cancelled.
    fn read(&mut self, last: Seq, cancel: &CancellationToken) {
        if last < self.next {
            return;
        }
        let mut chunk = Vec::with_capacity(CHUNK_LEN);
        for event in self.flow.reader().scan(self.next..last.next(), Order::Ascending) {
            match event {
                Ok(event) => chunk.push(event),
                Err(failure) => error!(error = %failure, "events cannot be read; stalls among them are not seen"),
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
        self.pass(last);
    }

    fn hand_on_read(&mut self, chunk: &mut Vec<Event>) {
        self.read_back += chunk.len() as u64;
        self.hand_on(chunk);
        chunk.clear();
    }

    fn hand_on(&mut self, chunk: &[Event]) {
        let Some(last) = chunk.last() else { return };
        self.flow.apply(chunk);
        self.sinks.iter_mut().for_each(|sink| sink(chunk));
        self.pass(last.seq);
    }

    /// Everything up to `last` is done with.
    fn pass(&mut self, last: Seq) {
        self.next = self.next.max(last.next());
        self.flow.applied(last);
    }
}
