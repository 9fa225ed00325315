//! Messages that await a later event: deliveries until they are settled, publishes until they are confirmed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::observed::Observed;
use crate::model::{Event, Keys, Link, Settlement, Str, Timestamp};

/// The fields of a message that its confirm or settlement repeats.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) at: Timestamp,
    exchange: Option<Str>,
    routing_key: Option<Str>,
    queue: Option<Str>,
    consumer_tag: Option<Str>,
    message_id: Option<Str>,
    correlation_id: Option<Str>,
    type_: Option<Str>,
    app_id: Option<Str>,
    keys: Arc<OnceLock<Keys>>,
}

impl Held {
    /// Remembers the message of an event, and links the event to the later one.
    pub(super) fn of(event: &Event) -> (Held, Link) {
        let keys = Arc::<OnceLock<Keys>>::default();
        let held = Held {
            at: event.at,
            exchange: event.exchange.clone(),
            routing_key: event.routing_key.clone(),
            queue: event.queue.clone(),
            consumer_tag: event.consumer_tag.clone(),
            message_id: event.message_id.clone(),
            correlation_id: event.correlation_id.clone(),
            type_: event.type_.clone(),
            app_id: event.app_id.clone(),
            keys: keys.clone(),
        };
        (held, Link::Gives(keys))
    }

    /// The event that ends the wait, with the repeated fields of the message.
    pub(super) fn becomes(self, mut event: Event, tag: Option<u64>, how: Settlement) -> Observed {
        event.exchange = self.exchange;
        event.routing_key = self.routing_key;
        event.queue = self.queue;
        event.consumer_tag = self.consumer_tag;
        event.message_id = self.message_id;
        event.correlation_id = self.correlation_id;
        event.type_ = self.type_;
        event.app_id = self.app_id;
        event.delivery_tag = tag;
        event.settlement = Some(how);
        Observed { event, link: Some(Link::Takes(self.keys)) }
    }
}

/// Messages of a channel by their tags.
#[derive(Debug, Default)]
pub(super) struct Holding(BTreeMap<u64, Held>);

impl Holding {
    /// Holds a message. Returns whether another was held by that tag, which no broker does.
    pub(super) fn hold(&mut self, tag: u64, held: Held) -> bool {
        self.0.insert(tag, held).is_some()
    }

    /// Takes the messages that a method means: one, or all up to the tag. With tag 0 it means all messages (AMQP 0-9-1,
    /// `basic.ack`).
    pub(super) fn take(&mut self, tag: u64, multiple: bool) -> Vec<(u64, Held)> {
        match (multiple, tag) {
            (false, _) => self.0.remove_entry(&tag).into_iter().collect(),
            (true, 0 | u64::MAX) => self.take_all(),
            (true, _) => {
                let rest = self.0.split_off(&(tag + 1));
                std::mem::replace(&mut self.0, rest).into_iter().collect()
            }
        }
    }

    pub(super) fn take_all(&mut self) -> Vec<(u64, Held)> {
        std::mem::take(&mut self.0).into_iter().collect()
    }

    /// Holds the messages again. Returns the number of others that were held by those tags.
    pub(super) fn put_back(&mut self, held: Vec<(u64, Held)>) -> usize {
        held.into_iter().filter_map(|(tag, held)| self.0.insert(tag, held)).count()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time of the oldest message.
    pub(super) fn oldest_at(&self) -> Option<Timestamp> {
        self.0.first_key_value().map(|(_, held)| held.at)
    }
}
