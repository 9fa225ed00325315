//! The obvious way to keep an event: one value in a well-known serialisation, and the keys of its index entries.
//! Its length is also the measure of what "raw" events take.

use hoptrail::journal::Term;
use hoptrail::model::{
    Body, Death, Event, Fingerprint, Gap, Kind, Properties, Return, Session, Settlement, Source, Str, Topology, Value,
};
use serde::Serialize;

/// An event with all that it has, as serde sees it.
#[derive(Serialize)]
struct Plain<'a> {
    at: i64,
    observed_late: bool,
    kind: Kind,
    source: Source,
    vhost: &'a Option<Str>,
    service: &'a Option<Str>,
    session: &'a Option<Session>,
    exchange: &'a Option<Str>,
    routing_key: &'a Option<Str>,
    routing_keys: &'a [Str],
    queue: &'a Option<Str>,
    routed_queues: &'a Option<Vec<Str>>,
    message_id: &'a Option<Str>,
    correlation_id: &'a Option<Str>,
    reply_to: &'a Option<Str>,
    type_: &'a Option<Str>,
    app_id: &'a Option<Str>,
    properties: &'a Properties,
    fingerprint: &'a Option<Fingerprint>,
    order_id: &'a Option<Str>,
    customer_id: &'a Option<Str>,
    status: &'a Option<Str>,
    redelivered: Option<bool>,
    delivery_tag: Option<u64>,
    settlement: &'a Option<Settlement>,
    returned: &'a Option<Return>,
    death: &'a Option<Death>,
    headers: &'a [(Str, Value)],
    body: &'a Option<Body>,
    gap: &'a Option<Gap>,
    topology: &'a Option<Topology>,
}

/// The event's value, in `buffer`'s place.
pub fn value(event: &Event, buffer: &mut Vec<u8>) {
    buffer.clear();
    let plain = Plain {
        at: event.at.as_micros(),
        observed_late: event.observed_late,
        kind: event.kind,
        source: event.source,
        vhost: &event.vhost,
        service: &event.service,
        session: &event.session,
        exchange: &event.exchange,
        routing_key: &event.routing_key,
        routing_keys: &event.routing_keys,
        queue: &event.queue,
        routed_queues: &event.routed_queues,
        message_id: &event.message_id,
        correlation_id: &event.correlation_id,
        reply_to: &event.reply_to,
        type_: &event.type_,
        app_id: &event.app_id,
        properties: &event.properties,
        fingerprint: &event.fingerprint,
        order_id: &event.order_id,
        customer_id: &event.customer_id,
        status: &event.status,
        redelivered: event.redelivered,
        delivery_tag: event.delivery_tag,
        settlement: &event.settlement,
        returned: &event.returned,
        death: &event.death,
        headers: &event.headers,
        body: &event.body,
        gap: &event.gap,
        topology: &event.topology,
    };
    *buffer = postcard::to_extend(&plain, std::mem::take(buffer)).unwrap();
}

/// Calls `entry` with the key of each index entry: a tag for the field, its value, the event's number.
pub fn entries(event: &Event, seq: u64, mut entry: impl FnMut(Vec<u8>)) {
    let mut put = |tag: u8, text: &[u8]| {
        let mut key = Vec::with_capacity(text.len() + 10);
        key.push(tag);
        key.extend_from_slice(text);
        // Ends the value: the texts hold no zero, and the others are of one length.
        key.push(0);
        key.extend_from_slice(&seq.to_be_bytes());
        entry(key);
    };
    let texts = [(b'o', &event.order_id), (b'm', &event.message_id), (b'c', &event.correlation_id)];
    for (tag, text) in texts {
        if let Some(text) = text {
            put(tag, text.as_bytes());
        }
    }
    if let Some(fingerprint) = &event.fingerprint {
        put(b'f', &fingerprint.0);
    }
    if Term::is_rare(event.kind) {
        let kind = event.kind.name();
        put(b'k', kind.as_bytes());
        if let Some(queue) = &event.queue {
            put(b'q', format!("{kind}/{queue}").as_bytes());
        }
    }
}
