//! The requests to the management API.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answers::{Binding, ClientConnection, Exchange, Overview, Page, Policy, Queue, Vhost, Waiting, WhoAmI};
use super::error::ManagementError;
use crate::config;
use crate::web::{Client, Method, StatusCode, WebError, encode};

/// The largest answer read: 500 queues with arguments take about 300 kB, all bindings of a large vhost some MB.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// RabbitMQ's own bound on a page.
const PAGE_SIZE: usize = 500;
/// Pages of one listing: 200 000 items. Further items are left out, and a warning tells it.
const PAGES_MAX: usize = 400;

/// Asks the broker's HTTP API.
#[derive(Clone)]
pub struct Management {
    client: Client,
    settings: config::Management,
}

impl Management {
    /// A client for the API that the settings name.
    ///
    /// # Errors
    /// The TLS library finds no certificates to trust.
    pub fn new(settings: &config::Management) -> Result<Self, ManagementError> {
        let client = Client::builder(settings.timeout).without_proxy().build();
        let client = client.map_err(|error| unreachable(&settings.url, error))?;
        Ok(Management { client, settings: settings.clone() })
    }

    /// The broker itself.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn overview(&self) -> Result<Overview, ManagementError> {
        self.get("/api/overview").await
    }

    /// The user that asks.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn whoami(&self) -> Result<WhoAmI, ManagementError> {
        self.get("/api/whoami").await
    }

    /// A virtual host.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn vhost(&self, vhost: &str) -> Result<Vhost, ManagementError> {
        // The list, because one vhost by itself is shown to administrators only (3.10.8, 4.0.5).
        let all: Vec<Vhost> = self.get("/api/vhosts").await?;
        let missing = || ManagementError::Status { path: format!("/api/vhosts ({vhost:?})"), status: 404 };
        all.into_iter().find(|found| found.name == vhost).ok_or_else(missing)
    }

    /// Bytes of messages that wait in a queue, as the broker last counted them: every five seconds.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn bytes_waiting(&self, vhost: &str, queue: &str) -> Result<u64, ManagementError> {
        let path = format!("/api/queues/{}/{}?columns=message_bytes_ready", encode(vhost), encode(queue));
        let waiting: Waiting = self.get(&path).await?;
        Ok(waiting.message_bytes_ready)
    }

    /// Switches tracing of a vhost on or off. The request sends the vhost's other settings as they are, because brokers
    /// from 3.8 on take missing settings for empty.
    ///
    /// # Errors
    /// [`ManagementError`].
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

    /// The exchanges of a virtual host.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn exchanges(&self, vhost: &str) -> Result<Vec<Exchange>, ManagementError> {
        self.pages(&format!("/api/exchanges/{}", encode(vhost)), "name,type").await
    }

    /// The queues of a virtual host.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn queues(&self, vhost: &str) -> Result<Vec<Queue>, ManagementError> {
        self.pages(&format!("/api/queues/{}", encode(vhost)), "name,arguments,effective_policy_definition").await
    }

    /// The bindings of a virtual host.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn bindings(&self, vhost: &str) -> Result<Vec<Binding>, ManagementError> {
        self.get(&format!("/api/bindings/{}", encode(vhost))).await
    }

    /// The connections that are open on the broker.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn connections(&self) -> Result<Vec<ClientConnection>, ManagementError> {
        self.pages("/api/connections", "name,user,vhost,client_properties").await
    }

    /// Definitions of the vhost's policies and operator policies. Without a tag that permits it the list is empty; the
    /// policy in force on a queue is still seen on the queue.
    ///
    /// # Errors
    /// [`ManagementError`].
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
        let request = self.client.request(method, &format!("{url}{path}")).basic_auth(user, password.reveal());
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.map_err(|error| unreachable(url, error))?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED => {
                return Err(ManagementError::Unauthorized { url: url.clone(), user: user.clone() });
            }
            status => return Err(ManagementError::Status { path: path.to_owned(), status: status.as_u16() }),
        }
        response.body(ANSWER_BYTES_MAX).await.map_err(|error| match error {
            WebError::TooLong { .. } => ManagementError::Answer { path: path.to_owned(), cause: error.to_string() },
            error => unreachable(url, error),
        })
    }
}

fn unreachable(url: &str, error: WebError) -> ManagementError {
    ManagementError::Unreachable { url: url.to_owned(), cause: error.to_string() }
}
