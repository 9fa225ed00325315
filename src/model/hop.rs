//! The parts of a trail: statuses, publishes, and their fate in each queue. In the API's JSON they stand as
//! they are here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json::{seconds_option, text, text_option};
use super::{Death, LegState, MessageKey, Seq, Settlement, Source, State, Str, Timestamp};

/// The order entered a status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusChange {
    /// The status.
    pub status: Str,
    /// When its message was published.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// Who announced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The event that announced it.
    pub seq: Seq,
    /// How long the order stayed; of the newest status, until now unless it is final.
    #[serde(rename = "seconds", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub stayed: Option<Duration>,
}

/// One publish, with its deliveries and settlements by queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hop {
    /// Message id, or fingerprint where there is none.
    #[serde(with = "text")]
    pub message: MessageKey,
    /// When it was published; absent where only later events were observed.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
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
    pub sources: Vec<Source>,
    /// Where it stands, all queues taken together.
    pub state: State,
    /// When the broker confirmed it to the publisher.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When the broker refused it to the publisher (`basic.nack`).
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<Timestamp>,
    /// From publish to the broker's confirm or refusal.
    #[serde(rename = "seconds_to_confirm", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub answered_after: Option<Duration>,
    /// The publisher asked for a confirm, and none was seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed: bool,
    /// When it came back to the publisher (`basic.return`), because no queue took it.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// What became of it, by queue.
    pub queues: Vec<Leg>,
    /// The events it was put together from.
    pub events: Vec<Seq>,
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
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// Who took the latest delivery.
    #[serde(flatten)]
    pub consumer: Consumer,
    /// Delivered more than once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redelivered: bool,
    /// When the latest delivery was settled.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// How: `ack`, `nack`, `reject`; `recover` (`basic.recover`) or `close` (the consumer's channel or connection ended);
    /// with ` (requeue)` where the message went back to the queue.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// How often a consumer gave it back to the queue.
    #[serde(skip_serializing_if = "super::json::is_zero")]
    pub given_back: u64,
    /// From publish to the first delivery; until now while there was none.
    #[serde(rename = "seconds_in_queue", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub waited: Option<Duration>,
    /// From the latest delivery to its settlement; until now while it is `unsettled`.
    #[serde(rename = "seconds_held", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub held: Option<Duration>,
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

/// A death, with the moment at which it was observed.
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
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// In a trail: when this death was observed.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl From<&Death> for DeathView {
    fn from(death: &Death) -> Self {
        DeathView {
            queue: death.queue.clone(),
            reason: death.reason.clone(),
            exchange: death.exchange.clone(),
            routing_keys: death.routing_keys.clone(),
            count: death.count,
            first_at: death.first_at,
            at: None,
        }
    }
}
