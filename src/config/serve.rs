//! `[serve]` and `[log]`: the HTTP server and the program's own log.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::Problems;

/// The HTTP server.
#[derive(Clone, Debug)]
pub struct Serve {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Connections at a time; further ones wait in the listen backlog.
    pub connections_max: usize,
    /// A request's head must be complete within this time.
    pub header_timeout: Duration,
    /// A request must be answered within this time.
    pub request_timeout: Duration,
    /// A connection may stay idle this long between requests.
    pub idle_timeout: Duration,
}

/// The program's own log, on standard error.
#[derive(Clone, Debug)]
pub struct Log {
    /// A `tracing` filter: `info`, `hoptrail=debug,lapin=warn`.
    pub filter: String,
    /// Text for people, JSON for collectors.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Loopback: the records are for those who may read them.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8673);
/// Support desks have tens of people, dashboards a handful of connections each.
const CONNECTIONS_MAX: usize = 512;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest search stops by its own budget before this.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawServe {
    listen: Option<SocketAddr>,
    connections_max: Option<usize>,
    #[serde(with = "humantime_serde")]
    header_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    request_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    idle_timeout: Option<Duration>,
}

impl RawServe {
    pub(super) fn validate(self, problems: &mut Problems) -> Serve {
        let serve = Serve {
            listen: self.listen.unwrap_or(LISTEN),
            connections_max: self.connections_max.unwrap_or(CONNECTIONS_MAX),
            header_timeout: self.header_timeout.unwrap_or(HEADER_TIMEOUT),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            idle_timeout: self.idle_timeout.unwrap_or(IDLE_TIMEOUT),
        };
        problems.check_range("serve.connections_max", &serve.connections_max, 1..=65_536);
        problems.check_positive("serve.header_timeout", serve.header_timeout);
        problems.check_positive("serve.request_timeout", serve.request_timeout);
        problems.check_positive("serve.idle_timeout", serve.idle_timeout);
        serve
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLog {
    filter: Option<String>,
    format: LogFormat,
}

impl RawLog {
    pub(super) fn validate(self, problems: &mut Problems) -> Log {
        let filter = self.filter.unwrap_or_else(|| "info,lapin=off".into());
        problems.check("log.filter", filter.parse::<tracing_subscriber::EnvFilter>());
        Log { filter, format: self.format }
    }
}
