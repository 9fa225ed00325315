//! Messages and orders past their deadline, or given up.

use std::time::Duration;

use super::{Consumer, MessageKey, Seq, StalledReason, Str, Timestamp, Verdict};

/// What is past its deadline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StalledReport {
    /// The state of things at this moment.
    pub at: Timestamp,
    /// Oldest first.
    pub stalled: Vec<Stalled>,
    /// How many there are, the ones left out of this answer included.
    pub total: u64,
    /// Messages and orders that are no longer followed, because there were too many or nothing had happened to them
    /// for `flow.follow_for`; what is stalled among them is not in this report.
    pub evicted: u64,
}

/// One stalled message or order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stalled {
    /// Why it is stalled, and so whether it is a message or an order.
    pub reason: StalledReason,
    /// The same with its facts.
    pub verdict: Verdict,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// How long that is.
    pub lasts: Duration,
    /// The deadline it is past; absent where there is none to wait for.
    pub deadline: Option<Duration>,
    /// The order, where known.
    pub order_id: Option<Str>,
    /// The message, where one is stalled.
    pub message: Option<MessageKey>,
    /// The queue that owes it.
    pub queue: Option<Str>,
    /// The exchange it was published to.
    pub exchange: Option<Str>,
    /// The service that published it, or of an order the one that announced its status.
    pub service: Option<Str>,
    /// The consumer that was given it and has not settled it since; of reason `unsettled`.
    pub consumer: Option<Consumer>,
    /// The order's status.
    pub status: Option<Str>,
    /// The event it was last seen in.
    pub seq: Seq,
}
