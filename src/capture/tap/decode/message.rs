//! Deliveries from application and dead-letter exchanges: the message itself, as its publisher sent it.

use super::{Arrival, is_own_queue, texts, too_deep_gap};
use crate::model::{Body, Event, Kind, Source, Str};
use crate::wire;

/// A delivery to the queue of source `binding` or `dead_letter`.
///
/// Dead letters come through a dead-letter exchange and carry `x-death`; clients may publish to that exchange as well.
/// On an application exchange an `x-death` is a claim of the publisher: a copy of an earlier history.
pub(super) fn decode(arrival: Arrival, source: Source, vhost: &Str) -> Vec<Event> {
    let mut event = Event::new(Kind::Publish, source, arrival.at);
    let content = wire::apply_basic(&mut event, &arrival.properties);
    event.observed_late = arrival.late;
    event.vhost = Some(vhost.clone());
    event.exchange = Some(arrival.exchange);
    // The sender-selected keys of RabbitMQ; BCC is removed before delivery.
    let copies = texts(event.header("CC"));
    if !copies.is_empty() {
        event.routing_keys = std::iter::once(arrival.routing_key.clone()).chain(copies).collect();
    }
    event.routing_key = Some(arrival.routing_key);
    event.body = Some(body(arrival.body, content.content_type));
    if source == Source::DeadLetter
        && let Some(death) = wire::newest_death(&event.headers)
    {
        if is_own_queue(&death.queue) {
            return Vec::new();
        }
        event.kind = Kind::DeadLetter;
        event.queue = Some(death.queue.clone());
        event.death = Some(death);
    }
    let gap = content.too_deep.then(|| too_deep_gap(&event));
    std::iter::once(event).chain(gap).collect()
}

/// A whole body; cutting and digesting is `record`'s.
pub(super) fn body(data: Vec<u8>, content_type: Option<Str>) -> Body {
    let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
    Body { len, content_type, data, ..Body::default() }
}
