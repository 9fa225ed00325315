//! A trail: everything known about one order, or one message, in order and with a verdict.

use super::{Event, MessageKey, Str, Verdict};

pub use super::hop::{Consumer, DeathView, Hop, Leg, StatusChange};

/// What a trail is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An order.
    Order(Str),
    /// One message.
    Message(MessageKey),
}

/// Everything known about one order or one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    /// What was asked for.
    pub subject: Subject,
    /// The customer, where an event named one.
    pub customer_id: Option<Str>,
    /// Where it stands.
    pub verdict: Verdict,
    /// Status changes, oldest first.
    pub statuses: Vec<StatusChange>,
    /// Publishes with what became of them in each queue, oldest first.
    pub hops: Vec<Hop>,
    /// All events, in journal order.
    pub events: Vec<Event>,
    /// Gaps within the trail's span, oldest first.
    pub gaps: Vec<Event>,
    /// There is more than one answer may hold; the oldest events are shown.
    pub truncated: bool,
}
