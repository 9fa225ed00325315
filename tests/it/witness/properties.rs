//! A message's properties, headers and length, as tshark shows them, in the form of hoptrail's API.

use serde_json::{Map, Value, json};

use super::pdml::Element;

/// Adds them to what is known of the message.
pub fn add(header: &Element, length: u64, fact: &mut Value) {
    let property = |name: &str| header.find(&format!("amqp.method.properties.{name}"));
    let text = |name: &str| property(name).map(|found| json!(found.show));
    let number = |name: &str| property(name).map(|found| json!(found.show.parse::<u64>().unwrap()));
    for name in ["message_id", "correlation_id", "reply_to", "type", "app_id"] {
        put(fact, name, text(name));
    }
    let mut others = json!({});
    for name in ["content_encoding", "expiration", "user_id"] {
        put(&mut others, name, text(name));
    }
    for name in ["delivery_mode", "priority"] {
        put(&mut others, name, number(name));
    }
    let seconds = property("timestamp").map(|found| u64::from_str_radix(&found.value, 16).unwrap());
    put(&mut others, "timestamp", seconds.map(Value::from));
    put(fact, "properties", Some(others).filter(|others| others != &json!({})));
    let headers = table(property("headers"));
    put(fact, "headers", (!headers.is_empty()).then(|| headers.into()));
    fact["body"] = json!({ "bytes": length });
    put(&mut fact["body"], "content_type", text("content_type"));
}

fn put(fact: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        fact[name] = value;
    }
}

/// A table's entries, each shown as `name (type): value`.
pub fn table(element: Option<&Element>) -> Map<String, Value> {
    let children = element.map_or(&[][..], |element| &element.children);
    children.iter().filter(|child| child.name == "amqp.field").map(entry).collect()
}

fn entry(field: &Element) -> (String, Value) {
    let parts = field.showname.split_once(" (").and_then(|(name, rest)| Some((name, rest.split_once(')')?)));
    let (name, (type_, value)) = parts.unwrap_or_else(|| panic!("tshark shows a header as {:?}", field.showname));
    let value = value.strip_prefix(": ").unwrap_or(value);
    let value = match type_ {
        "string" => json!(value),
        "boolean" => json!(value == "true"),
        "void" => Value::Null,
        "field table" => table(Some(field)).into(),
        "array" => table(Some(field)).into_iter().map(|(_, item)| item).collect(),
        _ => json!(value.parse::<i64>().unwrap_or_else(|_| panic!("a header of type {type_:?}: {value:?}"))),
    };
    (name.to_owned(), value)
}
