//! Dead letters that their next delivery reveals, each recorded once.
//!
//! Without a tap on a dead-letter exchange, only the next delivery of a message shows its death, by its `x-death`. The
//! same entry comes back with every redelivery, with every copy by the exchange, and with every later delivery. A
//! client that publishes a dead letter again sends its history along.
//!
//! So only the first deliveries from a queue count (`redelivered` false), and only their entries that are not recorded
//! yet. Message, queue, reason, count and time identify an entry. Equal messages may die in the same second. Then the
//! n-th first delivery of one queue is the n-th of any other. A publish that brings an entry along counts as one death
//! already told. Entries older than the newest are recorded as well. A message that waits in a queue for its next
//! attempt dies twice on the way. Only the second of these deaths is the newest.
//!
//! Messages that wait in a dead-letter queue stay unseen. So do messages whose first delivery passes beside the proxy.
//! Messages that were published with a history beside the proxy look as if they had died. A tap sees all of these; this
//! module is for a proxy alone.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use super::death::{deaths, told_by_delivery};
use crate::model::{Death, Event, Kind, Str, Timestamp};

/// The number of counts that are kept, some megabytes. They cover the deaths of half as many messages, which come back
/// within seconds or minutes.
const COUNTS_MAX: usize = 65_536;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Bytes of the body that identify a message without an id: enough to tell one from another.
const BODY_BYTES: usize = 4096;

/// The deaths that were told.
#[derive(Debug)]
pub struct DeadLetters {
    /// Nothing was observed before this time.
    since: Timestamp,
    /// By a digest of message and death: the number of deaths told, or claimed. By a digest with a queue: the number of
    /// deliveries by that queue.
    counts: HashMap<u64, u32>,
    /// The same digests, the oldest first.
    order: VecDeque<u64>,
    hasher: RandomState,
}

impl DeadLetters {
    /// No death has been told; observation begins at `since`.
    #[must_use]
    pub fn new(since: Timestamp) -> Self {
        // The broker tells the time of a death in whole seconds.
        let since = Timestamp::from_micros(since.as_micros() / MICROS_PER_SECOND * MICROS_PER_SECOND);
        DeadLetters { since, counts: HashMap::new(), order: VecDeque::new(), hasher: RandomState::new() }
    }

    /// The dead letters that an event is the first to tell, the oldest first. They happened before the event.
    pub fn told_by(&mut self, event: &Event) -> Vec<Event> {
        match event.kind {
            Kind::Publish => {
                for death in deaths(&event.headers) {
                    let death = self.digest(event, &death);
                    self.count(death);
                }
                Vec::new()
            }
            Kind::Deliver if event.redelivered == Some(false) => self.delivered(event),
            _ => Vec::new(),
        }
    }

    fn delivered(&mut self, delivery: &Event) -> Vec<Event> {
        let mut told: Vec<Event> = Vec::new();
        for death in deaths(&delivery.headers) {
            let digest = self.digest(delivery, &death);
            let here = self.count(self.hasher.hash_one((digest, &delivery.queue)));
            if here <= self.counts.get(&digest).copied().unwrap_or_default() || self.is_old(&death, told.is_empty()) {
                break;
            }
            self.count(digest);
            // The broker sent the message to the place of its next death.
            let sent_to = told.last().and_then(|later| later.death.as_ref()).map(published_to);
            let mut dead_letter = told_by_delivery(delivery, death);
            if let Some((exchange, routing_key)) = sent_to {
                (dead_letter.exchange, dead_letter.routing_key) = (Some(exchange), routing_key);
                dead_letter.routing_keys = Vec::new();
            }
            told.push(dead_letter);
        }
        told.reverse();
        told
    }

    /// The message died before observation began, and has died again since. An earlier observer may have told this
    /// death.
    fn is_old(&self, death: &Death, is_newest: bool) -> bool {
        !is_newest && death.count == 1 && death.first_at.is_some_and(|at| at < self.since)
    }

    fn digest(&self, event: &Event, death: &Death) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (&event.vhost, &event.message_id, &event.correlation_id).hash(&mut hasher);
        let body = event.body.as_ref();
        let begin = body.map(|body| body.data.get(..BODY_BYTES).unwrap_or(&body.data));
        (body.map(|body| body.len), begin).hash(&mut hasher);
        (&death.queue, &death.reason, &death.exchange, death.count, death.first_at).hash(&mut hasher);
        hasher.finish()
    }

    /// Counts one more; returns the new count.
    fn count(&mut self, digest: u64) -> u32 {
        let count = self.counts.entry(digest).or_insert_with(|| {
            self.order.push_back(digest);
            0
        });
        *count = count.saturating_add(1);
        let count = *count;
        while self.order.len() > COUNTS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.counts.remove(&oldest);
        }
        count
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counts.len().max(self.order.len())
    }
}

/// The exchange and routing key by which the message had been published before this death.
fn published_to(death: &Death) -> (Str, Option<Str>) {
    (death.exchange.clone(), death.routing_keys.first().cloned())
}
