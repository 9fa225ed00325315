//! The sessions: who is connected through the proxy now.

use serde::{Deserialize, Serialize};

use crate::model::Str;

/// Live sessions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionsReport {
    /// The state of things at this moment.
    pub at: String,
    /// The proxy is switched on.
    pub enabled: bool,
    /// Oldest first.
    pub sessions: Vec<SessionView>,
    /// How many there are, the ones left out of this answer included.
    pub total: u64,
}

/// One client's connection through the proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionView {
    /// Its name in events: the client's address, an arrow, and the address it connected to.
    pub connection: Str,
    /// The client's address.
    pub address: String,
    /// The proxy's address and the broker's, by which the broker knows the connection where it gets no PROXY header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_connection: Option<String>,
    /// The client came by TLS.
    pub tls: bool,
    /// When it connected.
    pub since: String,
    /// Where it stands.
    pub state: SessionState,
    /// The business system, by the rules of `correlate.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The user logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Str>,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Str>,
    /// The virtual host opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<Str>,
    /// Open channels.
    pub channels: u64,
    /// Messages published since it connected.
    pub published: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages published a second, over the last seconds.
    pub publish_rate: f64,
    /// Messages delivered a second, over the last seconds.
    pub deliver_rate: f64,
    /// Bytes from the client.
    pub bytes_from_client: u64,
    /// Bytes from the broker.
    pub bytes_from_broker: u64,
    /// Publishes that the broker has still to confirm.
    pub unconfirmed: u64,
    /// Deliveries that the client has still to settle.
    pub unsettled: u64,
    /// When the oldest of them was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_unsettled_at: Option<String>,
    /// How long that is, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_unsettled_seconds: Option<f64>,
    /// Why not all of it is observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Connected, not logged in.
    #[default]
    Opening,
    /// Logged in, its virtual host open.
    Running,
    /// The broker has told the client that it takes nothing for now (`connection.blocked`).
    Blocked,
    /// It speaks something else than AMQP 0-9-1, or can no longer be followed: bytes pass, nothing is recorded.
    Unobserved,
    /// One side has said good-bye.
    Closing,
}

impl SessionState {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SessionState::Opening => "opening",
            SessionState::Running => "running",
            SessionState::Blocked => "blocked",
            SessionState::Unobserved => "unobserved",
            SessionState::Closing => "closing",
        }
    }
}
