//! The answers of the management API, as far as they are used.

use serde::Deserialize;
use serde_json::Value;

/// The broker itself.
#[derive(Debug, Deserialize)]
pub struct Overview {
    /// Its version.
    pub rabbitmq_version: String,
}

/// The user that asks.
#[derive(Debug, Deserialize)]
pub struct WhoAmI {
    #[serde(default)]
    tags: Value,
}

impl WhoAmI {
    /// A user's tags: a list, before RabbitMQ 3.9 a text with commas.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        match &self.tags {
            Value::Array(tags) => tags.iter().any(|have| have == tag),
            Value::String(tags) => tags.split(',').any(|have| have.trim() == tag),
            _ => false,
        }
    }
}

/// A virtual host.
#[derive(Debug, Deserialize)]
pub struct Vhost {
    pub(super) name: String,
    /// Messages are traced (the firehose is on).
    #[serde(default)]
    pub tracing: bool,
    pub(super) description: Option<Value>,
    pub(super) tags: Option<Value>,
    pub(super) default_queue_type: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Waiting {
    #[serde(default)]
    pub(super) message_bytes_ready: u64,
}

/// An exchange.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A queue.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The arguments it was declared with.
    #[serde(default)]
    pub arguments: Value,
    /// The settings that policies make for it.
    #[serde(default)]
    pub effective_policy_definition: Value,
}

/// A binding.
#[derive(Clone, Debug, Deserialize)]
pub struct Binding {
    /// The exchange.
    pub source: String,
    /// The queue or exchange that takes from it.
    pub destination: String,
    /// `queue` or `exchange`.
    pub destination_type: String,
    /// The key.
    pub routing_key: String,
}

/// A policy, or an operator policy.
#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    /// Its settings.
    #[serde(default)]
    pub definition: Value,
}

/// A connection that is open.
#[derive(Debug, Deserialize)]
pub struct ClientConnection {
    /// As the broker names it: `peer:port -> host:port`.
    pub name: Option<String>,
    /// The user logged in.
    pub user: Option<String>,
    /// The vhost it is in.
    pub vhost: Option<String>,
    /// The client properties.
    #[serde(default)]
    pub client_properties: Value,
}

#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) page_count: usize,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_read_as_a_list_and_as_a_text() {
        for tags in [json!(["monitoring", "administrator"]), json!("monitoring,administrator")] {
            let who = WhoAmI { tags };
            assert!(who.has_tag("administrator") && who.has_tag("monitoring") && !who.has_tag("management"));
        }
    }
}
