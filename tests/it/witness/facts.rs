//! What happened on each channel, in the form in which capture and journal are compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hoptrail::model::Kind;
use hoptrail::model::api::EventView;
use serde_json::{Map, Value, json};

/// Differences that are told.
const TOLD_MAX: usize = 5;

/// What is compared of an event, besides its session.
const FIELDS: [&str; 17] = [
    "kind",
    "vhost",
    "exchange",
    "routing_key",
    "queue",
    "consumer_tag",
    "delivery_tag",
    "redelivered",
    "settlement",
    "return",
    "message_id",
    "correlation_id",
    "reply_to",
    "type",
    "app_id",
    "properties",
    "headers",
];

/// Who made it happen. What one side says has an order; between the two sides it depends on where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Client,
    Broker,
}

/// Connection, channel (0: of the connection itself), and who.
type Place = (String, u16, Lane);

#[derive(Default)]
pub struct Facts(BTreeMap<Place, Vec<Value>>);

impl Facts {
    pub fn add(&mut self, connection: String, channel: u16, lane: Lane, fact: Value) {
        self.0.entry((connection, channel, lane)).or_default().push(fact);
    }

    /// What the journal has of the proxy, oldest first.
    pub fn of_journal(events: &[EventView]) -> Facts {
        let mut facts = Facts::default();
        for event in events {
            let all = serde_json::to_value(event).unwrap();
            let session = &all["session"];
            let mut fact: Map<String, Value> =
                FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), all.get(name)?.clone()))).collect();
            for name in ["user", "client_name"] {
                fact.insert(name.to_owned(), session[name].clone());
            }
            if let Some(body) = &event.body {
                let mut shown = json!({ "bytes": body.bytes });
                if let Some(content_type) = &body.content_type {
                    shown["content_type"] = json!(content_type);
                }
                fact.insert("body".to_owned(), shown);
            }
            if event.kind == Kind::SessionClose {
                fact.insert("close".to_owned(), all["close"].clone());
            }
            let settled_by = event.settlement.map(|settlement| settlement.kind.name());
            let lane = match (event.kind.as_ref(), settled_by) {
                ("publish", _) | ("settle", Some("ack" | "nack" | "reject")) => Lane::Client,
                // An error on a channel is no fact about a message.
                ("topology", _) => continue,
                _ => Lane::Broker,
            };
            let channel = session["channel"].as_u64().unwrap_or(0);
            let connection = session["connection"].as_str().unwrap().to_owned();
            facts.add(connection, channel.try_into().unwrap(), lane, fact.into());
        }
        facts
    }

    pub fn count(&self, holds: impl Fn(&Value) -> bool) -> usize {
        self.0.values().flatten().filter(|fact| holds(fact)).count()
    }

    /// Where the journal says something else than the capture.
    pub fn differences(&self, journal: &Facts) -> String {
        let mut told = String::new();
        let mut count = 0;
        let places: std::collections::BTreeSet<&Place> = self.0.keys().chain(journal.0.keys()).collect();
        for place in places {
            let of = |facts: &Facts| facts.0.get(place).cloned().unwrap_or_default();
            let (captured, recorded) = (of(self), of(journal));
            let length = captured.len().max(recorded.len());
            let Some(index) = (0..length).find(|index| captured.get(*index) != recorded.get(*index)) else { continue };
            count += 1;
            if count <= TOLD_MAX {
                let shown = |facts: &[Value]| facts.get(index).map_or("nothing".to_owned(), Value::to_string);
                writeln!(told, "{place:?}: {} captured, {} recorded", captured.len(), recorded.len()).unwrap();
                writeln!(told, "  at {index} the capture has\n    {}", shown(&captured)).unwrap();
                writeln!(told, "  and the journal\n    {}", shown(&recorded)).unwrap();
            }
        }
        if count > TOLD_MAX {
            writeln!(told, "and {} more", count - TOLD_MAX).unwrap();
        }
        told
    }
}
