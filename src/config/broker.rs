//! `[broker]`: which broker is observed, and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use amq_protocol::uri::AMQPUri;
use serde::Deserialize;

use super::Problems;
use super::secret::{Secret, resolve};

/// The broker to observe.
#[derive(Clone, Debug)]
pub struct Broker {
    /// `amqp://` or `amqps://`, with user and password. Its vhost is observed when `vhosts` is empty.
    pub url: Secret,
    /// Every vhost to observe.
    pub vhosts: Vec<String>,
    /// The management API. Without it hoptrail can neither discover exchanges nor switch tracing on.
    pub management: Option<Management>,
    /// How long a connection attempt may take.
    pub connect_timeout: Duration,
    /// The waits between attempts after an outage.
    pub backoff: Backoff,
}

/// The broker's HTTP API.
#[derive(Clone, Debug)]
pub struct Management {
    /// `http://host:15672`, without a path.
    pub url: String,
    /// User; that of the broker's URL where not set.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Jittered exponential backoff between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The first wait.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
}

/// A restarting broker is reached soon, and does not notice the attempts.
const RECONNECT_MIN: Duration = Duration::from_millis(500);
/// An attempt every half a minute costs nothing while a broker is away for hours.
const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// A healthy broker answers within milliseconds; a busy one within seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The broker that hoptrail observes, and how hoptrail reaches it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawBroker {
    /// URL of the broker, with user and password: `amqp://` or `amqps://`. The vhost `/` is written `%2f`.
    ///
    /// Default: `amqp://guest:guest@127.0.0.1:5672/%2f`
    url: Option<Secret>,
    /// A file that holds the URL instead, so that no password stands in the configuration.
    ///
    /// Default: none
    url_file: Option<PathBuf>,
    /// The vhosts to observe. An empty list means the vhost in the URL.
    ///
    /// Default: `[]`
    vhosts: Vec<String>,
    /// URL of the management API. hoptrail finds exchanges and dead-letter exchanges through it, and switches tracing
    /// on. Without it hoptrail observes only the exchanges that are named in `[tap]`.
    ///
    /// Default: none
    management_url: Option<String>,
    /// User for the management API.
    ///
    /// Default: the user in the URL of the broker
    management_user: Option<String>,
    /// Password for the management API.
    ///
    /// Default: the password in the URL of the broker
    management_password: Option<Secret>,
    /// A file that holds the password for the management API instead.
    ///
    /// Default: none
    management_password_file: Option<PathBuf>,
    /// The longest time for a connection attempt, or for a request to the management API.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `10s`
    #[serde(with = "humantime_serde")]
    connect_timeout: Option<Duration>,
    /// The first wait before another connection attempt, after an outage. Each further wait is longer.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `500ms`
    #[serde(with = "humantime_serde")]
    reconnect_min: Option<Duration>,
    /// The longest wait before another connection attempt. It must not be shorter than `reconnect_min`.
    ///
    /// Default: `30s`
    #[serde(with = "humantime_serde")]
    reconnect_max: Option<Duration>,
}

impl RawBroker {
    pub(super) fn validate(self, problems: &mut Problems) -> Option<Broker> {
        let url = resolve("broker.url", self.url, self.url_file, problems)
            .unwrap_or_else(|| Secret::new("amqp://guest:guest@127.0.0.1:5672/%2f"));
        let uri: AMQPUri = problems.check("broker.url", amqp_url(url.reveal()))?;
        let vhosts = if self.vhosts.is_empty() { vec![uri.vhost.clone()] } else { self.vhosts };
        for (index, vhost) in vhosts.iter().enumerate() {
            if vhost.is_empty() || vhost.len() > 255 {
                problems.add(format!("broker.vhosts[{index}]"), "a vhost name has 1 to 255 bytes");
            }
        }
        let connect_timeout = self.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        problems.check_positive("broker.connect_timeout", connect_timeout);
        let backoff = Backoff {
            min: self.reconnect_min.unwrap_or(RECONNECT_MIN),
            max: self.reconnect_max.unwrap_or(RECONNECT_MAX),
        };
        problems.check_positive("broker.reconnect_min", backoff.min);
        if backoff.max < backoff.min {
            problems.add("broker.reconnect_max", "is shorter than broker.reconnect_min");
        }
        let password =
            resolve("broker.management_password", self.management_password, self.management_password_file, problems);
        let management = self.management_url.and_then(|url| {
            let url = problems.check("broker.management_url", http_url(&url))?;
            Some(Management {
                url,
                user: self.management_user.unwrap_or_else(|| uri.authority.userinfo.username.clone()),
                password: password.unwrap_or_else(|| Secret::new(uri.authority.userinfo.password.clone())),
                timeout: connect_timeout,
            })
        });
        Some(Broker { url, vhosts, management, connect_timeout, backoff })
    }
}

/// The parser's own message repeats a wrong URL, and with it the password. The parser also takes `amqp:/host` for a URL
/// of this machine, and an IPv6 address for `localhost`.
pub(super) fn amqp_url(text: &str) -> Result<AMQPUri, &'static str> {
    let rest = text.strip_prefix("amqp://").or_else(|| text.strip_prefix("amqps://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = authority.and_then(|authority| authority.rsplit('@').next());
    if host.is_some_and(|host| host.starts_with('[')) {
        return Err("names the host by an IPv6 address, which cannot be used here; give a name that stands for it");
    }
    let parsed = if host.is_some() { text.parse().ok() } else { None };
    parsed.ok_or("is not of the form amqp://user:password@host:port/vhost (or amqps://; the vhost / is written %2f)")
}

/// An `http` or `https` URL, without the slash at its end.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if !host.is_empty() && !text.contains(char::is_whitespace) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("{text:?} is not of the form http://host:port")),
    }
}
