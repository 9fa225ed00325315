//! Recognises messages that the broker delivers a second time.
//!
//! After a crash, or a lost connection, the broker delivers unacknowledged messages to a tap again, and some of them
//! are durable already. The broker marks such deliveries as redelivered. The recorder leaves one out if an event with
//! the same content is among the newest of the journal. Each recorded event answers for one repetition, so that equal
//! messages sent twice stay two.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Event, Str, Value};

/// Events remembered: several times the unacknowledged messages of all taps together.
pub(super) const REMEMBERED_MAX: u64 = 65_536;

/// The contents of the newest events.
#[derive(Default)]
pub(super) struct Repeats {
    order: VecDeque<u64>,
    counts: HashMap<u64, u32>,
}

impl Repeats {
    /// Remembers a recorded event.
    pub(super) fn remember(&mut self, event: &Event) {
        let content = content(event);
        self.order.push_back(content);
        *self.counts.entry(content).or_default() += 1;
        if self.order.len() as u64 > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(oldest);
        }
    }

    /// Whether the event repeats a remembered one. The remembered event then no longer answers for another.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        let content = content(event);
        let known = self.counts.contains_key(&content);
        self.forget(content);
        known
    }

    fn forget(&mut self, content: u64) {
        if let Some(count) = self.counts.get_mut(&content) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&content);
            }
        }
    }
}

/// A hash over the parts that stay the same at a redelivery: everything but number, time and lateness. Events are
/// compared after masking, so that events read back from the journal compare like new ones.
fn content(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    let hash = &mut hasher;
    (event.kind, event.source, &event.vhost, &event.exchange, &event.routing_key, &event.routing_keys).hash(hash);
    (&event.queue, &event.routed_queues, event.message_key_parts(), &event.correlation_id).hash(hash);
    (event.redelivered, event.delivery_tag, event.body.as_ref().map(|body| (body.len, body.digest))).hash(hash);
    let session = event.session.as_ref();
    session.map(|session| (&session.connection, session.channel)).hash(hash);
    let death = event.death.as_ref();
    death.map(|death| (&death.queue, &death.reason, death.count)).hash(hash);
    event.topology.as_ref().map(|topology| (&topology.change, &topology.detail)).hash(hash);
    event.gap.as_ref().map(|gap| (gap.from, gap.to, &gap.cause)).hash(hash);
    hash_entries(&event.headers, hash);
    hasher.finish()
}

impl Event {
    fn message_key_parts(&self) -> (&Option<Str>, Option<[u8; 16]>) {
        (&self.message_id, self.fingerprint.map(|fingerprint| fingerprint.0))
    }
}

fn hash_entries(entries: &[(Str, Value)], hash: &mut DefaultHasher) {
    for (name, value) in entries {
        name.hash(hash);
        hash_value(value, hash);
    }
}

/// The builder of a value bounds its depth.
fn hash_value(value: &Value, hash: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hash);
    match value {
        Value::Null | Value::TooDeep => {}
        Value::Bool(value) => value.hash(hash),
        Value::Int(value) => value.hash(hash),
        Value::UInt(value) | Value::Timestamp(value) => value.hash(hash),
        Value::Float(value) => value.to_bits().hash(hash),
        Value::Decimal { scale, value } => (scale, value).hash(hash),
        Value::Text(text) => text.hash(hash),
        Value::Bytes(bytes) => bytes.hash(hash),
        Value::List(items) => items.iter().for_each(|item| hash_value(item, hash)),
        Value::Table(entries) => hash_entries(entries, hash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Source, Timestamp};

    fn event(id: &str) -> Event {
        let mut event = Event::new(Kind::Publish, Source::Binding, Timestamp::default());
        event.message_id = Some(id.into());
        event
    }

    #[test]
    fn an_event_answers_for_one_repetition() {
        let mut repeats = Repeats::default();
        repeats.remember(&event("a"));
        repeats.remember(&event("a"));
        let mut later = event("a");
        later.at = Timestamp::from_micros(5);
        later.observed_late = true;
        assert!(repeats.take(&later));
        assert!(repeats.take(&later));
        assert!(!repeats.take(&later));
        assert!(!repeats.take(&event("b")));
    }

    #[test]
    fn headers_tell_events_apart() {
        let mut repeats = Repeats::default();
        let mut with = event("a");
        with.headers = vec![("attempt".into(), Value::Int(1))];
        repeats.remember(&with);
        assert!(!repeats.take(&event("a")));
        assert!(repeats.take(&with));
    }

    #[test]
    fn memory_is_bounded() {
        let mut repeats = Repeats::default();
        (0..REMEMBERED_MAX + 10).for_each(|n| repeats.remember(&event(&n.to_string())));
        assert_eq!(repeats.order.len() as u64, REMEMBERED_MAX);
        assert_eq!(repeats.counts.len() as u64, REMEMBERED_MAX);
        assert!(!repeats.take(&event("9")));
        assert!(repeats.take(&event("10")));
    }
}
