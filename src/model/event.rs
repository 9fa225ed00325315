//! An event: one observed fact about a message or a connection.
//!
//! Captures build this structure, the journal stores it, and trails are made of it. A capture leaves `seq`,
//! `fingerprint` and the correlated keys empty; `record` fills them in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::named::named;
use super::{Fingerprint, Kind, MessageKey, Seq, Source, Str, Timestamp, UnknownName, Value};

/// One observed fact. What does not apply is `None` or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number in the journal; 0 until it is numbered.
    pub seq: Seq,
    /// When it was observed; never earlier than the event before it.
    pub at: Timestamp,
    /// It happened earlier than `at`: it waited in a queue while hoptrail was away, or was inferred from a later event.
    pub observed_late: bool,
    /// What happened.
    pub kind: Kind,
    /// Who saw it.
    pub source: Source,
    /// Virtual host.
    pub vhost: Option<Str>,
    /// The business system that acted, by the configured rules.
    pub service: Option<Str>,
    /// The client connection that acted.
    pub session: Option<Session>,
    /// Exchange published to; of a dead letter the dead-letter exchange.
    pub exchange: Option<Str>,
    /// Routing key.
    pub routing_key: Option<Str>,
    /// All routing keys, `CC` and `BCC` included, where there is more than the one.
    pub routing_keys: Vec<Str>,
    /// Queue delivered from; of a topology event the queue concerned.
    pub queue: Option<Str>,
    /// Queues the broker routed the publish to, without the tap's own. `None`: the source cannot tell.
    pub routed_queues: Option<Vec<Str>>,
    /// Property `message_id`.
    pub message_id: Option<Str>,
    /// Property `correlation_id`.
    pub correlation_id: Option<Str>,
    /// Property `reply_to`.
    pub reply_to: Option<Str>,
    /// Property `type`.
    pub type_: Option<Str>,
    /// Property `app_id`.
    pub app_id: Option<Str>,
    /// The properties that no question is asked by.
    pub properties: Properties,
    /// See [`Fingerprint`]; filled in by `record`.
    pub fingerprint: Option<Fingerprint>,
    /// By the rules of `correlate.order_id`.
    pub order_id: Option<Str>,
    /// By the rules of `correlate.customer_id`.
    pub customer_id: Option<Str>,
    /// By the rules of `correlate.status`.
    pub status: Option<Str>,
    /// The broker had delivered the message before.
    pub redelivered: Option<bool>,
    /// Delivery tag on the session's channel; what the proxy saw has none where its settlement, or its confirm, is not
    /// followed.
    pub delivery_tag: Option<u64>,
    /// How a delivery was settled.
    pub settlement: Option<Settlement>,
    /// Why a publish came back.
    pub returned: Option<Return>,
    /// Where and why a message was dead-lettered.
    pub death: Option<Death>,
    /// The message's headers.
    pub headers: Vec<(Str, Value)>,
    /// The message's body.
    pub body: Option<Body>,
    /// Of kind `gap`: what was not observed.
    pub gap: Option<Gap>,
    /// Of kind `topology`: what changed.
    pub topology: Option<Topology>,
    /// The consumer that a message was given to.
    pub consumer_tag: Option<Str>,
    /// Of kind `session_close`: who ended it, and why.
    pub close: Option<Close>,
}

impl Event {
    /// An event about nothing yet.
    #[must_use]
    pub fn new(kind: Kind, source: Source, at: Timestamp) -> Self {
        Event {
            seq: Seq::default(),
            at,
            observed_late: false,
            kind,
            source,
            vhost: None,
            service: None,
            session: None,
            exchange: None,
            routing_key: None,
            routing_keys: Vec::new(),
            queue: None,
            routed_queues: None,
            message_id: None,
            correlation_id: None,
            reply_to: None,
            type_: None,
            app_id: None,
            properties: Properties::default(),
            fingerprint: None,
            order_id: None,
            customer_id: None,
            status: None,
            redelivered: None,
            delivery_tag: None,
            settlement: None,
            returned: None,
            death: None,
            headers: Vec::new(),
            body: None,
            gap: None,
            topology: None,
            consumer_tag: None,
            close: None,
        }
    }

    /// Something of `source` was not observed between two moments. `cause` says what happened, to what, in words.
    #[must_use]
    pub fn gap(source: Source, span: (Timestamp, Timestamp), count: Option<u64>, cause: impl Into<Str>) -> Self {
        let (from, to) = span;
        let gap = Gap { source, from: from.min(to), to, count, cause: cause.into() };
        Event { gap: Some(gap), ..Event::new(Kind::Gap, Source::Hoptrail, to) }
    }

    /// hoptrail changed something, or noticed a change: the change's name, and to what, in words.
    #[must_use]
    pub fn change(name: impl Into<Str>, detail: impl Into<Str>, at: Timestamp) -> Self {
        let topology = Topology { change: name.into(), detail: detail.into() };
        Event { topology: Some(topology), ..Event::new(Kind::Topology, Source::Hoptrail, at) }
    }

    /// What joins this event to the others of its message.
    #[must_use]
    pub fn message_key(&self) -> Option<MessageKey> {
        let by_id = self.message_id.clone().map(MessageKey::Id);
        by_id.or_else(|| self.fingerprint.map(MessageKey::Fingerprint))
    }

    /// Bytes of its body and headers in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.data.len()) + super::value::weight(&self.headers)
    }

    /// A header by its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.headers.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }
}

/// Properties of `basic` that are kept as sent (AMQP 0-9-1, section 1.8.1, "Basic class properties").
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Properties {
    /// MIME content encoding.
    pub content_encoding: Option<Str>,
    /// 1 transient, 2 persistent.
    pub delivery_mode: Option<u8>,
    /// 0 to 9.
    pub priority: Option<u8>,
    /// Per-message TTL in milliseconds, as text.
    pub expiration: Option<Str>,
    /// The publisher's time, in seconds by the specification. The firehose cuts it to 32 bits.
    pub timestamp: Option<u64>,
    /// The user the publisher claimed, checked by the broker.
    pub user_id: Option<Str>,
}

/// One client connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The broker's name for it, `peer:port -> host:port`.
    pub connection: Option<Str>,
    /// The user logged in.
    pub user: Option<Str>,
    /// What the client calls itself: `connection_name`, else `product`, of its client properties.
    pub client_name: Option<Str>,
    /// Channel number.
    pub channel: Option<u16>,
}

/// How a consumer settled a delivery, or the broker a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Which method.
    pub kind: SettlementKind,
    /// One method settled several deliveries.
    pub multiple: bool,
    /// The message goes back to its queue. `nack` and `reject` with requeue are kept apart from each other by `kind`:
    /// RabbitMQ 4.3 counts only one of them against the delivery limit.
    pub requeue: bool,
}

impl Settlement {
    /// Stands after the kind where the message went back to its queue.
    const REQUEUED: &str = " (requeue)";

    /// The message is in its queue again.
    #[must_use]
    pub fn is_requeued(self) -> bool {
        self.requeue || matches!(self.kind, SettlementKind::Recover | SettlementKind::Close)
    }
}

impl fmt::Display for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, if self.is_requeued() { Self::REQUEUED } else { "" })
    }
}

impl FromStr for Settlement {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let kind = text.strip_suffix(Self::REQUEUED);
        Ok(Settlement { kind: kind.unwrap_or(text).parse()?, requeue: kind.is_some(), multiple: false })
    }
}

named! {
    /// The method of a settlement.
    SettlementKind {
        /// `basic.ack`.
        Ack = "ack",
        /// `basic.nack`.
        Nack = "nack",
        /// `basic.reject`.
        Reject = "reject",
        /// `basic.recover`: the channel gave back all that it held.
        Recover = "recover",
        /// The channel or its connection ended, and with it gave back what it held.
        Close = "close",
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Close {
    /// Who ended it.
    pub by: Party,
    /// The reply code of `connection.close`, where there was one; 200 for a good-bye.
    pub code: Option<u16>,
    /// Why, in words.
    pub text: Str,
    /// Deliveries that were not settled; their messages go back to their queues.
    pub unsettled: u64,
}

named! {
    /// A side of a session, or what stands between the two.
    Party {
        /// The client.
        Client = "client",
        /// The broker.
        Broker = "broker",
        /// hoptrail.
        Hoptrail = "hoptrail",
    }
}

/// `basic.return`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Return {
    /// Reply code, 312 for `NO_ROUTE`.
    pub code: u16,
    /// Reply text.
    pub text: Str,
}

/// The newest death of a message, read from `x-death`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Death {
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
    /// The **first** time that queue gave it up for that reason; it never moves.
    pub first_at: Option<Timestamp>,
}

/// A message body, or the beginning of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// The length as published, in bytes.
    pub len: u64,
    /// A keyed digest of the whole body as published: equal bodies can be told, none can be guessed. Filled in by
    /// `record`.
    pub digest: [u8; 16],
    /// Property `content_type`.
    pub content_type: Option<Str>,
    /// `data` is less than was published.
    pub truncated: bool,
    /// What is kept, masked.
    pub data: Vec<u8>,
    /// An earlier event whose `data` is equal: the journal keeps the bytes once, and of this event, when it is read back
    /// with others, none.
    pub same_as: Option<Seq>,
}

/// What is known of a body's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// Nobody has looked, or it is not JSON.
    #[default]
    Unknown,
    /// It is JSON from its first brace or bracket to its end.
    Json,
}

/// Something that was not observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The source that was blind.
    pub source: Source,
    /// Nothing before this moment is missing.
    pub from: Timestamp,
    /// Nothing after this moment is missing.
    pub to: Timestamp,
    /// How many observations are missing, where that is known. Of the proxy: `None` says that the event's session, or without
    /// one every session until `to`, could not be followed to its end.
    pub count: Option<u64>,
    /// What happened, to what, in words.
    pub cause: Str,
}

/// A change of the broker's topology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// What changed, as the event exchange names it: `queue.created`, `binding.deleted`, `policy.set`; or
    /// `tap.refused` and the like for what hoptrail itself ran into.
    pub change: Str,
    /// To what, in words.
    pub detail: Str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settlement_reads_back_what_it_displays() {
        for kind in SettlementKind::ALL {
            for requeue in [false, true] {
                let settlement = Settlement { kind: *kind, requeue, multiple: false };
                let read: Settlement = settlement.to_string().parse().unwrap();
                assert_eq!((read.kind, read.is_requeued()), (*kind, settlement.is_requeued()));
            }
        }
        assert!("ack (twice)".parse::<Settlement>().is_err());
    }
}
