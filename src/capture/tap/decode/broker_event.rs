//! The event exchange `amq.rabbitmq.event`: the broker's events about connections and about its topology.
//!
//! An event's name is the routing key, its facts are headers, the body is empty (RabbitMQ's event exchange guide;
//! forms measured on 3.10.8). `client_properties` is a list of Erlang terms in print: `{<<"product">>,longstr,<<"x">>}`.

use super::{Arrival, Decoded, is_own_queue, texts};
use crate::capture::tap::clients::{Client, Clients};
use crate::model::{Event, Kind, Session, Source, Str, Topology, Value};
use crate::wire;

/// Groups of events that are about single consumers and channels, or repeat figures: too many, and nobody's question.
const SKIPPED: [&str; 5] = ["consumer.", "channel.", "user.authentication.success", "connection.stats", "queue.stats"];

/// The facts of a topology event that are told, in this order. No others, because values of parameters can hold
/// passwords.
const TOLD: [&str; 19] = [
    "type",
    "durable",
    "auto_delete",
    "exclusive",
    "internal",
    "source_name",
    "destination_kind",
    "destination_name",
    "routing_key",
    "component",
    "pattern",
    "definition",
    "user",
    "configure",
    "write",
    "read",
    "connection_name",
    "error",
    "user_who_performed_action",
];

/// The longest detail text, in bytes; definitions of policies fit, anything larger is cut.
const DETAIL_BYTES_MAX: usize = 512;

pub(super) fn decode(arrival: &Arrival, clients: &Clients) -> Decoded {
    let facts = arrival.properties.headers().as_ref().map(wire::table).unwrap_or_default().kept;
    let facts = Facts(Value::Table(facts));
    let name = &*arrival.routing_key;
    if SKIPPED.iter().any(|skipped| name.starts_with(skipped)) {
        return Decoded::default();
    }
    let event = match name {
        "connection.created" => session(Kind::SessionOpen, arrival, &facts, clients),
        "connection.closed" => session(Kind::SessionClose, arrival, &facts, clients),
        _ => return topology(arrival, &facts),
    };
    Decoded { events: event.into_iter().collect(), changed: None }
}

/// The headers of an event.
struct Facts(Value);

impl Facts {
    fn text(&self, name: &str) -> Option<Str> {
        self.0.get(name).and_then(Value::as_text).filter(|text| !text.is_empty()).cloned()
    }
}

fn session(kind: Kind, arrival: &Arrival, facts: &Facts, clients: &Clients) -> Option<Event> {
    let connection = facts.text("name")?;
    let known = clients.get(&connection);
    let client = if kind == Kind::SessionOpen { client(facts) } else { known.unwrap_or_else(|| client(facts)) };
    if kind == Kind::SessionOpen {
        clients.put(connection.clone(), client.clone());
    }
    if client.own {
        return None;
    }
    let mut event = event(kind, arrival, facts);
    // The end of a connection is told without its vhost.
    event.vhost = event.vhost.or(client.vhost);
    event.session =
        Some(Session { connection: Some(connection), user: client.user, client_name: client.name, channel: None });
    Some(event)
}

fn client(facts: &Facts) -> Client {
    let properties = texts(facts.0.get("client_properties"));
    let property = |name: &str| properties.iter().find_map(|printed| printed_property(printed, name)).map(Str::from);
    let client = Client::new(property, facts.text("user"), facts.text("vhost"));
    Client { name: facts.text("user_provided_name").or(client.name), ..client }
}

/// `x` out of `{<<"name">>,longstr,<<"x">>}`.
fn printed_property(printed: &str, name: &str) -> Option<String> {
    let rest = printed.strip_prefix("{<<\"")?.strip_prefix(name)?;
    let quoted = rest.strip_prefix("\">>,longstr,<<\"")?.strip_suffix("\">>}")?;
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next()? } else { character });
    }
    Some(text)
}

fn topology(arrival: &Arrival, facts: &Facts) -> Decoded {
    let change = arrival.routing_key.clone();
    let mut event = event(Kind::Topology, arrival, facts);
    let subject = facts.text("name");
    match change.split_once('.').map(|(group, _)| group) {
        Some("queue") => event.queue = subject.clone(),
        Some("exchange") => event.exchange = subject.clone(),
        Some("binding") => {
            event.exchange = facts.text("source_name");
            event.routing_key = facts.text("routing_key");
            event.queue =
                facts.text("destination_name").filter(|_| facts.text("destination_kind").as_deref() == Some("queue"));
        }
        _ => {}
    }
    if event.queue.as_deref().is_some_and(is_own_queue) {
        return Decoded::default();
    }
    event.topology = Some(Topology { change, detail: detail(subject.as_deref(), facts).into() });
    let changed = event.vhost.clone();
    Decoded { events: vec![event], changed }
}

/// `"orders": type=direct, durable=true`.
fn detail(subject: Option<&str>, facts: &Facts) -> String {
    let told = TOLD.iter().filter_map(|name| match facts.0.get(name)? {
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(format!("{name}={text}")),
        value => Some(format!("{name}={}", value.to_json())),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let mut detail = match subject {
        Some(subject) if told.is_empty() => format!("{subject:?}"),
        Some(subject) => format!("{subject:?}: {told}"),
        None => told,
    };
    if detail.len() > DETAIL_BYTES_MAX {
        detail.truncate(detail.floor_char_boundary(DETAIL_BYTES_MAX));
        detail.push('…');
    }
    detail
}

fn event(kind: Kind, arrival: &Arrival, facts: &Facts) -> Event {
    let mut event = Event::new(kind, Source::Events, arrival.at);
    event.observed_late = arrival.late;
    event.vhost = facts.text("vhost");
    event
}
