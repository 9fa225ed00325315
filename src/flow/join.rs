//! Joins the events of one order, or of one message, one by one. The memory is bounded for any number of events.
//!
//! A message is held until it is finished, and long after. When an order has very many messages, the oldest finished
//! ones are evicted. The statuses that an evicted message announced are kept. The rest of it is not needed: it is not
//! in trouble, and no further event of it is expected.

use std::collections::BTreeMap;

use crate::config;
use crate::model::{Event, MessageKey};

use super::message::Message;
use super::order::{Messages, Status, announced, entered};
use super::stalled::is_finished;
use super::table::Table;

/// Messages of an order that are held besides the first ones. A message with two queues takes about 2 kB.
const HELD_MAX: usize = 5_000;
/// First messages, which are never evicted: a long trail shows its beginning.
const FIRST_MAX: usize = 200;
/// Statuses kept of evicted messages. Beyond twice this number, the statuses that the order did not enter are
/// forgotten. Of the others, the first and the newest remain.
const ANNOUNCED_MAX: usize = 10_000;

/// Messages that still take in events.
pub(super) struct Join<'a> {
    settings: &'a config::Flow,
    first: BTreeMap<MessageKey, Message>,
    others: Table<MessageKey, Message>,
    held_max: usize,
    /// Statuses that evicted messages announced.
    announced: Vec<Status>,
    evicted_hops: u64,
    /// Evicted messages that were not finished: their troubles are not known.
    pub(super) unjudged: u64,
}

impl<'a> Join<'a> {
    pub(super) fn new(settings: &'a config::Flow) -> Self {
        Join::with_room(settings, HELD_MAX)
    }

    pub(super) fn with_room(settings: &'a config::Flow, held_max: usize) -> Self {
        let (first, others) = (BTreeMap::new(), Table::new());
        Join { settings, first, others, held_max, announced: Vec::new(), evicted_hops: 0, unjudged: 0 }
    }

    /// Takes in the next event. An event that belongs to no message is left out.
    pub(super) fn apply(&mut self, event: &Event) {
        let Some(key) = event.message_key() else { return };
        if let Some(message) = self.first.get_mut(&key) {
            message.apply(event);
        } else if self.first.len() < FIRST_MAX.min(self.held_max) {
            self.first.entry(key.clone()).or_insert_with(|| Message::new(key)).apply(event);
        } else {
            let make = |key: &MessageKey| Message::new(key.clone());
            self.others.change(key, event.at, make, is_finished, |message| {
                message.apply(event);
            });
            while self.others.len() > self.held_max {
                self.evict();
            }
        }
    }

    /// The messages, with the statuses and counts kept of the evicted ones.
    pub(super) fn finish(self) -> Joined {
        let mut messages = self.first;
        messages.extend(self.others.into_entries());
        let messages = Messages::new(messages, self.announced);
        Joined { messages, evicted_hops: self.evicted_hops, unjudged: self.unjudged }
    }

    /// The number of messages held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.first.len() + self.others.len()
    }

    fn evict(&mut self) {
        let Some(message) = self.others.pop_oldest() else { return };
        self.unjudged += u64::from(!is_finished(&message));
        self.evicted_hops += message.hops.len() as u64;
        self.announced.extend(message.hops.iter().filter_map(announced));
        if self.announced.len() > 2 * ANNOUNCED_MAX {
            self.announced = entered(std::mem::take(&mut self.announced), self.settings);
            let middle = self.announced.len().saturating_sub(ANNOUNCED_MAX);
            // The first status stays: the order's time is counted from it.
            self.announced.drain(1..=middle);
        }
    }
}

/// The messages of one history.
pub(super) struct Joined {
    pub(super) messages: Messages,
    pub(super) evicted_hops: u64,
    /// Messages whose troubles are not known.
    pub(super) unjudged: u64,
}
