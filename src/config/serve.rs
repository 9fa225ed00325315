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

/// The records are for those who may read them, so only this machine reaches the server.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8673);
/// A support desk has tens of people, and a dashboard has a handful of connections.
const CONNECTIONS_MAX: usize = 512;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest search stops earlier, by its own budget.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The HTTP server, which answers the API and the metrics.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawServe {
    /// The address at which the server listens. Nobody has to log in.
    ///
    /// Default: `127.0.0.1:8673`
    listen: Option<SocketAddr>,
    /// The most connections at a time. Further connections wait.
    ///
    /// Range: `1` to `65536`
    ///
    /// Default: `512`
    connections_max: Option<usize>,
    /// The longest time for a request's head.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `10s`
    #[serde(with = "humantime_serde")]
    header_timeout: Option<Duration>,
    /// The longest time for an answer.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `30s`
    #[serde(with = "humantime_serde")]
    request_timeout: Option<Duration>,
    /// The longest time that a connection may stay idle between two requests.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `60s`
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

/// hoptrail's own log, on standard error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLog {
    /// The levels of the log: `error`, `warn`, `info`, `debug`, `trace`. For one part of the program write
    /// `info,hoptrail::capture=debug`.
    ///
    /// Default: `info,lapin=off`
    filter: Option<String>,
    /// The form of the log: `text` for people, `json` for collectors.
    ///
    /// Values: `text`, `json`
    ///
    /// Default: `text`
    format: LogFormat,
}

impl RawLog {
    pub(super) fn validate(self, problems: &mut Problems) -> Log {
        let filter = self.filter.unwrap_or_else(|| "info,lapin=off".into());
        problems.check("log.filter", filter.parse::<tracing_subscriber::EnvFilter>());
        Log { filter, format: self.format }
    }
}
