//! The tracing exchange `amq.rabbitmq.trace`: every publish and every delivery of a vhost.
//!
//! The traced message travels as the trace's body, and everything else about it stands in the trace's headers.
//! RabbitMQ's firehose guide describes it; for the rest see `rabbit_trace` of 3.12.

use amq_protocol::types::{AMQPValue, FieldTable};

use super::claims::Claims;
use super::message::body;
use super::{Arrival, BoundDeadLetterExchanges, is_own_queue, too_deep_gap};
use crate::capture::tap::clients::Clients;
use crate::model::{Event, Kind, Session, Source, Str};
use crate::wire;

/// The context in which a trace is read.
pub(super) struct Context<'a> {
    pub vhost: &'a Str,
    pub clients: &'a Clients,
    pub bound: &'a BoundDeadLetterExchanges,
}

/// A trace: its routing key is `publish.` and the exchange, or `deliver.` and the queue; both names may contain dots.
pub(super) fn decode(arrival: Arrival, context: &Context<'_>, claims: &mut Claims) -> Vec<Event> {
    let key = arrival.routing_key.clone();
    let empty = FieldTable::default();
    let properties = arrival.properties.clone();
    let headers = properties.headers().as_ref().unwrap_or(&empty);
    if let Some(exchange) = key.strip_prefix("publish.") {
        publish(arrival, exchange, headers, context, claims)
    } else if let Some(queue) = key.strip_prefix("deliver.").filter(|queue| !is_own_queue(queue)) {
        deliver(arrival, queue, headers, context, claims)
    } else {
        Vec::new()
    }
}

fn publish(
    arrival: Arrival,
    exchange: &str,
    headers: &FieldTable,
    context: &Context<'_>,
    claims: &mut Claims,
) -> Vec<Event> {
    let Some((mut event, too_deep)) = traced(Kind::Publish, arrival, exchange, headers, context) else {
        return Vec::new();
    };
    let routed = strings(headers, "routed_queues")
        .map(|queues| queues.into_iter().filter(|queue| !is_own_queue(queue)).collect::<Vec<_>>());
    // On the default exchange the broker names the key as the queue, without looking whether it exists.
    let default_exchange = event.exchange.as_deref() == Some("");
    if !default_exchange && routed.as_ref().is_some_and(Vec::is_empty) {
        event.kind = Kind::Unroutable;
    }
    event.routed_queues = routed;
    claims.note(&event);
    let gap = too_deep.then(|| too_deep_gap(&event));
    std::iter::once(event).chain(gap).collect()
}

fn deliver(arrival: Arrival, queue: &str, headers: &FieldTable, context: &Context<'_>, claims: &Claims) -> Vec<Event> {
    let Some((mut event, too_deep)) = traced(Kind::Deliver, arrival, "", headers, context) else { return Vec::new() };
    event.queue = Some(queue.into());
    let redelivered = field(headers, "redelivered").and_then(|field| wire::value(field).kept.as_u64());
    event.redelivered = redelivered.map(|flag| flag != 0);
    let death = unseen_death(&event, context.bound, claims);
    let gap = too_deep.then(|| too_deep_gap(&event));
    death.into_iter().chain([event]).chain(gap).collect()
}

/// The dead-lettering that a first delivery gives away, where no binding of ours has seen it: through the default
/// exchange, which cannot be bound, or through an exchange that the tap is not bound to.
fn unseen_death(delivery: &Event, bound: &BoundDeadLetterExchanges, claims: &Claims) -> Option<Event> {
    let exchange = delivery.exchange.as_deref().unwrap_or_default();
    if delivery.redelivered == Some(true) || bound.contains(exchange) || claims.contains(delivery) {
        return None;
    }
    let death = wire::newest_death(&delivery.headers).filter(|death| !is_own_queue(&death.queue))?;
    Some(wire::told_by_delivery(delivery, death))
}

/// The event with the fields that publish and deliver share, and whether headers were nested too deep. `None`:
/// hoptrail's own traffic.
fn traced(
    kind: Kind,
    arrival: Arrival,
    exchange: &str,
    headers: &FieldTable,
    context: &Context<'_>,
) -> Option<(Event, bool)> {
    let session = session(headers, context.clients)?;
    let mut event = Event::new(kind, Source::Firehose, arrival.at);
    event.session = Some(session);
    event.observed_late = arrival.late;
    event.vhost = Some(string(headers, "vhost").unwrap_or_else(|| context.vhost.clone()));
    event.exchange = Some(string(headers, "exchange_name").unwrap_or_else(|| exchange.into()));
    let keys = strings(headers, "routing_keys").unwrap_or_default();
    event.routing_key = keys.first().cloned();
    if keys.len() > 1 {
        event.routing_keys = keys;
    }
    let content = match field(headers, "properties") {
        Some(AMQPValue::FieldTable(properties)) => wire::apply_table(&mut event, properties),
        _ => wire::Content::default(),
    };
    event.body = Some(body(arrival.body, content.content_type));
    Some((event, content.too_deep))
}

/// The connection that acted; `None` where it is hoptrail's.
fn session(headers: &FieldTable, clients: &Clients) -> Option<Session> {
    let connection = string(headers, "connection");
    let client = connection.as_deref().and_then(|name| clients.get(name)).unwrap_or_default();
    if client.own {
        return None;
    }
    Some(Session {
        connection,
        user: string(headers, "user").or(client.user),
        client_name: client.name,
        channel: field(headers, "channel")
            .and_then(|field| wire::value(field).kept.as_u64())
            .and_then(|number| u16::try_from(number).ok()),
    })
}

fn field<'a>(headers: &'a FieldTable, name: &str) -> Option<&'a AMQPValue> {
    headers.inner().get(name)
}

fn string(headers: &FieldTable, name: &str) -> Option<Str> {
    field(headers, name).and_then(wire::text)
}

fn strings(headers: &FieldTable, name: &str) -> Option<Vec<Str>> {
    match field(headers, name)? {
        AMQPValue::FieldArray(items) => Some(items.as_slice().iter().filter_map(wire::text).collect()),
        _ => None,
    }
}
