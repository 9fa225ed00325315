//! The task that follows the journal: every committed event, in order, to the engine and to whoever else wants it.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::journal::Order;
use crate::model::{Event, Seq, Timestamp};

use super::handle::Flow;

/// Events handed on together: the engine is locked no longer than these take.
const CHUNK_LEN: usize = 512;

/// Somebody who wants every committed event, in order.
pub type Sink = Box<dyn FnMut(&[Event]) + Send>;

/// Follows the journal from a moment in the past, then for ever. What happened before that moment is not followed.
pub struct Follower {
    flow: Flow,
    sinks: Vec<Sink>,
    from: Timestamp,
}

impl Follower {
    /// A follower that begins with the events of `from`.
    #[must_use]
    pub fn new(flow: Flow, sinks: Vec<Sink>, from: Timestamp) -> Self {
        Follower { flow, sinks, from }
    }

    /// Blocks its thread until cancelled; `runtime` is where commits are announced.
    pub fn run(mut self, runtime: &Handle, cancel: &CancellationToken) {
        let mut committed = self.flow.reader().committed();
        let mut next = match self.flow.reader().seq_at(self.from) {
            Ok(seq) => seq,
            Err(failure) => {
                error!(error = %failure, "cannot find where to begin; following from the oldest event");
                self.flow.reader().first_seq()
            }
        };
        info!(
            seq = next.0,
            behind = self.flow.reader().last_seq().next().0.saturating_sub(next.0),
            "following the journal"
        );
        loop {
            let last = *committed.borrow_and_update();
            next = self.follow(next, last, cancel);
            let more = runtime.block_on(async {
                tokio::select! {
                    () = cancel.cancelled() => false,
                    changed = committed.changed() => changed.is_ok(),
                }
            });
            if !more {
                return;
            }
        }
    }

    /// Hands on the events from `next` to `last`; where to go on.
    fn follow(&mut self, next: Seq, last: Seq, cancel: &CancellationToken) -> Seq {
        let mut chunk = Vec::with_capacity(CHUNK_LEN);
        for event in self.flow.reader().scan(next..last.next(), Order::Ascending) {
            match event {
                Ok(event) => chunk.push(event),
                Err(failure) => error!(error = %failure, "events cannot be read; stalls among them are not seen"),
            }
            if chunk.len() == CHUNK_LEN {
                if cancel.is_cancelled() {
                    return next;
                }
                self.hand_on(&mut chunk);
            }
        }
        self.hand_on(&mut chunk);
        self.flow.applied(last);
        next.max(last.next())
    }

    fn hand_on(&mut self, chunk: &mut Vec<Event>) {
        let Some(last) = chunk.last().map(|event| event.seq) else { return };
        self.flow.apply(chunk);
        self.sinks.iter_mut().for_each(|sink| sink(chunk));
        self.flow.applied(last);
        chunk.clear();
    }
}
