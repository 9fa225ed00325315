//! A trail: everything known about one order, or one message, in order and with a verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Death, Str};

use super::{EventView, GapView};

/// Where an order or a message stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Under way, within its deadlines.
    InFlight,
    /// The order reached a final status; the message reached all its queues' consumers.
    Completed,
    /// Past a deadline.
    Stalled,
    /// Given up by a queue, and nothing has resolved that.
    DeadLettered,
    /// Published where nobody listens.
    Unroutable,
    /// What was observed does not tell.
    #[default]
    Unknown,
}

impl State {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::InFlight => "in_flight",
            State::Completed => "completed",
            State::Stalled => "stalled",
            State::DeadLettered => "dead_lettered",
            State::Unroutable => "unroutable",
            State::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Everything known about one order or one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// The order asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Str>,
    /// The message asked for: its message id or fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The customer, where an event named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Str>,
    /// Where it stands.
    pub state: State,
    /// The same in one sentence, for a person.
    pub verdict: String,
    /// Status changes, oldest first.
    pub statuses: Vec<StatusChange>,
    /// Publishes with what became of them in each queue, oldest first.
    pub hops: Vec<Hop>,
    /// All events, in journal order, without bodies.
    pub events: Vec<EventView>,
    /// Times within the trail's span when a source was blind.
    pub gaps: Vec<GapView>,
    /// There is more than one answer may hold; the oldest events are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The order entered a status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusChange {
    /// The status.
    pub status: Str,
    /// When its message was published.
    pub at: String,
    /// Who announced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The event that announced it.
    pub seq: u64,
    /// How long the order stayed, in seconds; of the newest status, until now unless it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// One publish, with its deliveries and settlements by queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hop {
    /// Message id, or fingerprint where there is none.
    pub message: String,
    /// When it was published; absent where only later events were observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// Who published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The publisher's client name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Str>,
    /// Virtual host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<Str>,
    /// Exchange; empty for the default exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Str>,
    /// Routing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Str>,
    /// The queue that gave the message up: the broker itself sent it on, through the dead-letter exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_lettered_from: Option<Str>,
    /// The status it announces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Str>,
    /// Who saw the publish.
    pub sources: Vec<String>,
    /// Where it stands, all queues taken together.
    pub state: State,
    /// When the broker confirmed it to the publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
    /// When the broker refused it to the publisher (`basic.nack`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<String>,
    /// From publish to the broker's confirm or refusal, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_to_confirm: Option<f64>,
    /// The publisher asked for a confirm, and none was seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed: bool,
    /// When it came back to the publisher (`basic.return`), because no queue took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<String>,
    /// What became of it, by queue.
    pub queues: Vec<Leg>,
    /// The events it was put together from.
    pub events: Vec<u64>,
}

/// Where a message stands in one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// Routed to the queue, not delivered.
    #[default]
    Waiting,
    /// Given to a consumer; whether it was settled cannot be seen by the sources that are on, or was not observed.
    Delivered,
    /// Given to a consumer, and not settled yet.
    Unsettled,
    /// Acknowledged.
    Settled,
    /// Given up by the queue.
    DeadLettered,
    /// Rejected without requeue from a queue whose dead letters nobody saw.
    Dropped,
}

impl LegState {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LegState::Waiting => "waiting",
            LegState::Delivered => "delivered",
            LegState::Unsettled => "unsettled",
            LegState::Settled => "settled",
            LegState::DeadLettered => "dead_lettered",
            LegState::Dropped => "dropped",
        }
    }
}

/// One publish in one queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leg {
    /// The queue.
    pub queue: Str,
    /// Where the message stands there.
    pub state: LegState,
    /// How often it was delivered.
    pub deliveries: u64,
    /// The latest delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    /// Who took the latest delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// What the consumer's client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Str>,
    /// The consumer's connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Str>,
    /// The user that the consumer is logged in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Str>,
    /// The consumer's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_tag: Option<Str>,
    /// Delivered more than once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redelivered: bool,
    /// When the latest delivery was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
    /// How: `ack`, `nack`, `reject`; `recover` (`basic.recover`) or `close` (the consumer's channel or connection ended);
    /// with ` (requeue)` where the message went back to the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<String>,
    /// How often a consumer gave it back to the queue.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub given_back: u64,
    /// From publish to the first delivery, in seconds; until now while there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_in_queue: Option<f64>,
    /// From the latest delivery to its settlement, in seconds; until now while it is `unsettled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_held: Option<f64>,
    /// Why and when the queue gave it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub death: Option<DeathView>,
    /// A death that a later publish, or the order's progress, made good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resolved: bool,
}

/// Who was given a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consumer {
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// What its client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Str>,
    /// Its connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Str>,
    /// The user that it is logged in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Str>,
    /// Its tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_tag: Option<Str>,
}

/// A death as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeathView {
    /// The queue that gave the message up.
    pub queue: Str,
    /// `rejected`, `expired`, `maxlen` or `delivery_limit`.
    pub reason: Str,
    /// The exchange it had been published to.
    pub exchange: Str,
    /// The keys it had been routed by.
    pub routing_keys: Vec<Str>,
    /// How often that queue gave it up for that reason.
    pub count: u64,
    /// The first time that queue gave it up for that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// In a trail: when this death was observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl From<&Death> for DeathView {
    fn from(death: &Death) -> Self {
        DeathView {
            queue: death.queue.clone(),
            reason: death.reason.clone(),
            exchange: death.exchange.clone(),
            routing_keys: death.routing_keys.clone(),
            count: death.count,
            first_at: death.first_at.map(|moment| moment.to_string()),
            at: None,
        }
    }
}
