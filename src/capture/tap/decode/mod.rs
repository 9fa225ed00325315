//! Turns deliveries to the tap's queues into events. Pure: no socket, no clock.
//!
//! Each source has its decoder. A delivery becomes no event (hoptrail's own traffic), one, or more: a firehose
//! delivery can also show that a message had been dead-lettered unseen.

mod broker_event;
mod claims;
mod decoder;
mod firehose;
mod message;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use amq_protocol::protocol::basic::AMQPProperties;

use crate::config::Tap;
use crate::model::{Event, Str, Timestamp, Value};

pub(super) use decoder::Decoder;

/// A delivery to a tap queue.
pub(super) struct Arrival {
    /// When it arrived.
    pub at: Timestamp,
    /// It had waited in the queue while hoptrail was away.
    pub late: bool,
    /// The exchange it was published to.
    pub exchange: Str,
    /// The key it was published with.
    pub routing_key: Str,
    /// Its properties and headers.
    pub properties: AMQPProperties,
    /// Its body.
    pub body: Vec<u8>,
}

/// The dead-letter exchanges that the tap of one vhost is bound to: deaths through them are seen when they happen.
#[derive(Clone, Default)]
pub(super) struct BoundDeadLetterExchanges(Arc<RwLock<HashSet<Str>>>);

impl BoundDeadLetterExchanges {
    /// Replaces the set.
    pub fn set(&self, exchanges: impl IntoIterator<Item = Str>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = exchanges.into_iter().collect();
    }

    fn contains(&self, exchange: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(exchange)
    }
}

/// The result of decoding a delivery.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Decoded {
    /// In the order to be recorded; empty: nothing of the delivery is to be.
    pub events: Vec<Event>,
    /// The vhost whose topology the delivery announces a change of.
    pub changed: Option<Str>,
}

/// The queue belongs to this or another hoptrail.
pub(super) fn is_own_queue(name: &str) -> bool {
    name.starts_with(Tap::QUEUE_PREFIX)
}

/// Text values of a list.
fn texts(value: Option<&Value>) -> Vec<Str> {
    match value {
        Some(Value::List(items)) => items.iter().filter_map(Value::as_text).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Says that the headers of `event` are not there in full.
fn too_deep_gap(event: &Event) -> Event {
    let place = match (&event.queue, &event.exchange) {
        (Some(queue), _) => format!("from queue {queue:?}"),
        (None, Some(exchange)) => format!("to exchange {exchange:?}"),
        (None, None) => "without a place".to_owned(),
    };
    let message = match &event.message_id {
        Some(id) => format!("the message {id:?}"),
        None => "a message without message id".to_owned(),
    };
    let cause = format!(
        "headers of {message} {place} are nested deeper than {} levels and were not recorded in full",
        Value::DEPTH_MAX
    );
    Event { vhost: event.vhost.clone(), ..Event::gap(event.source, (event.at, event.at), Some(1), cause) }
}

#[cfg(test)]
mod tests;
