//! The broker's HTTP API: what exists, who is connected, and the switch for tracing.
//!
//! Owns requests, paging and the wording of failures. Every answer is bounded in size.

use std::fmt::Write as _;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config;

/// The largest answer read: 500 queues with arguments take about 300 kB, all bindings of a large vhost some MB.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// RabbitMQ's own bound on a page.
const PAGE_SIZE: usize = 500;
/// Pages of one listing: 200 000 items; what lies behind is left out, and told.
const PAGES_MAX: usize = 400;

/// Asks the broker's HTTP API.
#[derive(Clone)]
pub(super) struct Management {
    client: reqwest::Client,
    settings: config::Management,
}

/// Why the API gave no answer: what happened, to what, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum ManagementError {
    /// No connection, or it broke.
    #[error(
        "the management API at {url} cannot be reached ({cause}): switch the plugin rabbitmq_management on, or correct \
         broker.management_url"
    )]
    Unreachable { url: String, cause: String },
    /// 401.
    #[error(
        "the management API at {url} refused the user {user:?}: the password is wrong, or the user lacks the tag \
         \"management\" (rabbitmqctl set_user_tags {user} monitoring)"
    )]
    Unauthorized { url: String, user: String },
    /// Any other status than success.
    #[error("the management API answered {status} to {path}")]
    Status { path: String, status: u16 },
    /// Not what RabbitMQ answers.
    #[error(
        "the management API answered {path} with something that is not RabbitMQ's ({cause}): is broker.management_url right?"
    )]
    Answer { path: String, cause: String },
}

#[derive(Debug, Deserialize)]
pub(super) struct Overview {
    pub rabbitmq_version: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct WhoAmI {
    #[serde(default)]
    tags: Value,
}

impl WhoAmI {
    /// A user's tags: a list, before RabbitMQ 3.9 a text with commas.
    pub fn has_tag(&self, tag: &str) -> bool {
        match &self.tags {
            Value::Array(tags) => tags.iter().any(|have| have == tag),
            Value::String(tags) => tags.split(',').any(|have| have.trim() == tag),
            _ => false,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Vhost {
    name: String,
    #[serde(default)]
    pub tracing: bool,
    description: Option<Value>,
    tags: Option<Value>,
    default_queue_type: Option<Value>,
}

#[derive(Deserialize)]
struct Waiting {
    #[serde(default)]
    message_bytes_ready: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Exchange {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Queue {
    pub name: String,
    #[serde(default)]
    pub arguments: Value,
    #[serde(default)]
    pub effective_policy_definition: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Binding {
    pub source: String,
    pub destination: String,
    pub destination_type: String,
    pub routing_key: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Policy {
    #[serde(default)]
    pub definition: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Connection {
    pub name: Option<String>,
    pub user: Option<String>,
    pub vhost: Option<String>,
    #[serde(default)]
    pub client_properties: Value,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    page_count: usize,
}

impl Management {
    /// A client for the API that the settings name.
    ///
    /// # Errors
    /// The TLS library finds no certificates to trust.
    pub fn new(settings: &config::Management) -> Result<Self, ManagementError> {
        // reqwest is built without a provider of cryptography of its own. Fails when one is installed: all is well.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(settings.timeout).no_proxy().build();
        let client = client.map_err(|error| unreachable(&settings.url, &error))?;
        Ok(Management { client, settings: settings.clone() })
    }

    pub async fn overview(&self) -> Result<Overview, ManagementError> {
        self.get("/api/overview").await
    }

    pub async fn whoami(&self) -> Result<WhoAmI, ManagementError> {
        self.get("/api/whoami").await
    }

    pub async fn vhost(&self, vhost: &str) -> Result<Vhost, ManagementError> {
        // The list, because one vhost by itself is shown to administrators only (3.10.8, 4.0.5).
        let all: Vec<Vhost> = self.get("/api/vhosts").await?;
        let missing = || ManagementError::Status { path: format!("/api/vhosts ({vhost:?})"), status: 404 };
        all.into_iter().find(|found| found.name == vhost).ok_or_else(missing)
    }

    /// Bytes of messages that wait in a queue, as the broker last counted them: every five seconds.
    pub async fn bytes_waiting(&self, vhost: &str, queue: &str) -> Result<u64, ManagementError> {
        let path = format!("/api/queues/{}/{}?columns=message_bytes_ready", encode(vhost), encode(queue));
        let waiting: Waiting = self.get(&path).await?;
        Ok(waiting.message_bytes_ready)
    }

    /// Switches tracing of a vhost on or off. What else the request sets is sent as it is, because brokers from 3.8 on
    /// take what is missing for empty.
    pub async fn set_tracing(&self, vhost: &str, on: bool) -> Result<(), ManagementError> {
        let now = self.vhost(vhost).await?;
        let mut body = json!({ "tracing": on });
        let tags = now.tags.map(|tags| match tags {
            Value::Array(tags) => tags.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",").into(),
            other => other,
        });
        for (key, value) in
            [("description", now.description), ("tags", tags), ("default_queue_type", now.default_queue_type)]
        {
            if let (Some(Value::String(text)), Some(body)) = (value, body.as_object_mut())
                && !text.is_empty()
                && text != "undefined"
            {
                body.insert(key.into(), text.into());
            }
        }
        self.send(Method::PUT, &format!("/api/vhosts/{}", encode(vhost)), Some(body)).await.map(drop)
    }

    pub async fn exchanges(&self, vhost: &str) -> Result<Vec<Exchange>, ManagementError> {
        self.pages(&format!("/api/exchanges/{}", encode(vhost)), "name,type").await
    }

    pub async fn queues(&self, vhost: &str) -> Result<Vec<Queue>, ManagementError> {
        self.pages(&format!("/api/queues/{}", encode(vhost)), "name,arguments,effective_policy_definition").await
    }

    pub async fn bindings(&self, vhost: &str) -> Result<Vec<Binding>, ManagementError> {
        self.get(&format!("/api/bindings/{}", encode(vhost))).await
    }

    pub async fn connections(&self) -> Result<Vec<Connection>, ManagementError> {
        self.pages("/api/connections", "name,user,vhost,client_properties").await
    }

    /// Definitions of the vhost's policies and operator policies. Without a tag that permits it
    /// the list is empty, and what is in force on a queue is still seen on the queue.
    pub async fn policies(&self, vhost: &str) -> Result<Vec<Policy>, ManagementError> {
        let mut all = Vec::new();
        for listing in ["policies", "operator-policies"] {
            match self.get::<Vec<Policy>>(&format!("/api/{listing}/{}", encode(vhost))).await {
                Ok(policies) => all.extend(policies),
                Err(ManagementError::Unauthorized { .. } | ManagementError::Status { status: 403 | 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn pages<T: DeserializeOwned>(&self, path: &str, columns: &str) -> Result<Vec<T>, ManagementError> {
        let mut items = Vec::new();
        for number in 1..=PAGES_MAX {
            let page: Page<T> =
                self.get(&format!("{path}?page={number}&page_size={PAGE_SIZE}&columns={columns}")).await?;
            items.extend(page.items);
            if number >= page.page_count {
                return Ok(items);
            }
        }
        tracing::warn!(path, items = items.len(), "a listing of the management API is longer than is read");
        Ok(items)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ManagementError> {
        let answer = self.send(Method::GET, path, None).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| ManagementError::Answer { path: path.to_owned(), cause: error.to_string() })
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Vec<u8>, ManagementError> {
        let config::Management { url, user, password, .. } = &self.settings;
        let mut request = self.client.request(method, format!("{url}{path}")).basic_auth(user, Some(password.reveal()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let mut response = request.send().await.map_err(|error| unreachable(url, &error))?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED => {
                return Err(ManagementError::Unauthorized { url: url.clone(), user: user.clone() });
            }
            status => return Err(ManagementError::Status { path: path.to_owned(), status: status.as_u16() }),
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                let cause = format!("longer than {ANSWER_BYTES_MAX} bytes");
                return Err(ManagementError::Answer { path: path.to_owned(), cause });
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// The innermost cause says most: "Connection refused".
fn unreachable(url: &str, error: &reqwest::Error) -> ManagementError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    ManagementError::Unreachable { url: url.to_owned(), cause }
}

/// One segment of a path (RFC 3986, section 2.3): everything but unreserved characters percent-encoded.
fn encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            byte => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vhost_is_one_segment_of_the_path() {
        for (vhost, expected) in [("/", "%2F"), ("orders-1.test_~", "orders-1.test_~"), ("a b/ü?", "a%20b%2F%C3%BC%3F")]
        {
            assert_eq!(encode(vhost), expected);
        }
    }

    #[test]
    fn tags_are_read_as_a_list_and_as_a_text() {
        for tags in [json!(["monitoring", "administrator"]), json!("monitoring,administrator")] {
            let who = WhoAmI { tags };
            assert!(who.has_tag("administrator") && who.has_tag("monitoring") && !who.has_tag("management"));
        }
    }
}
