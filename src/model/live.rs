//! The present: the clients that are connected through the proxy, and the state of each source. In the API's JSON they
//! stand as they are here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json::{seconds_option, text, text_option};
use super::{Open, SessionState, Source, SourceState, Str, Timestamp};

/// One source in one virtual host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceCoverage {
    /// Virtual host.
    pub vhost: String,
    /// The source.
    pub source: Open<Source>,
    /// Whether it observes.
    pub state: SourceState,
    /// Since when it is in that state.
    #[serde(with = "text")]
    pub since: Timestamp,
    /// The tap's queue, and its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Exchanges observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<String>,
    /// What is not observed, and why: one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Observations recorded since hoptrail started.
    pub recorded: u64,
    /// When the newest of them was recorded.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

/// Live sessions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionsReport {
    /// The state of things at this moment.
    #[serde(with = "text")]
    pub at: Timestamp,
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
    #[serde(with = "text")]
    pub since: Timestamp,
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
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub oldest_unsettled_at: Option<Timestamp>,
    /// How long that is.
    #[serde(rename = "oldest_unsettled_seconds", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub oldest_unsettled: Option<Duration>,
    /// Why not all of it is observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}
