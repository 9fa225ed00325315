//! A trail: everything known about one order, or one message, in order and with a verdict.

use serde::{Deserialize, Serialize};

use super::json::text;
use super::{Event, MessageKey, Str, Timestamp, Verdict};

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
    /// The events, in journal order: of a long history the first and the newest.
    pub events: Vec<Event>,
    /// Gaps within the trail's span, oldest first.
    pub gaps: Vec<Event>,
    /// The part of a long history that is not shown.
    pub not_shown: Option<NotShown>,
}

/// The middle of a long history: a trail shows the first and the newest. State and verdict take all of it into account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotShown {
    /// Events.
    pub events: u64,
    /// The time of the first of them.
    #[serde(with = "text")]
    pub from: Timestamp,
    /// The time of the last of them.
    #[serde(with = "text")]
    pub to: Timestamp,
    /// Hops.
    pub hops: u64,
    /// Messages that state and verdict leave out, because the order has too many.
    pub unjudged_messages: u64,
}
