//! An alert: a condition that somebody must know of, from its beginning to its end.

use std::time::Duration;

use super::verdict::Spike;
use super::{AlertState, Seq, Str, Timestamp, Verdict};

/// A dead-letter spike: one queue gave up too many messages for one reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alert {
    /// The same for all notifications of one incident.
    pub id: String,
    /// The rule's name in the configuration.
    pub rule: String,
    /// Whether it is on.
    pub state: AlertState,
    /// The queue's virtual host.
    pub vhost: Str,
    /// The queue that gave the messages up.
    pub queue: Str,
    /// Why it did, in RabbitMQ's word.
    pub reason: Str,
    /// Messages that were given up within the window, the highest count so far.
    pub count: u64,
    /// The count it fires at.
    pub threshold: u64,
    /// The sliding window.
    pub window: Duration,
    /// When it began.
    pub since: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Orders concerned, a few of the newest.
    pub orders: Vec<Str>,
    /// Events concerned, a few of the newest.
    pub events: Vec<Seq>,
}

impl Alert {
    /// What it is about.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::Spike(Spike {
            state: self.state,
            queue: self.queue.clone(),
            reason: self.reason.clone(),
            count: self.count,
            threshold: self.threshold,
            window: self.window,
            since: self.since,
        })
    }
}
