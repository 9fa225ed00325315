//! `[proxy]`: where clients connect instead of to the broker, and how each leg of the way is protected.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::broker::amqp_url;
use super::{Broker, Problems};

/// The inline proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Switched on.
    pub enabled: bool,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where their sessions go on.
    pub broker: HostPort,
    /// TLS to the broker; `None`: plain.
    pub broker_tls: Option<BrokerTls>,
    /// TLS from clients; `None`: plain.
    pub tls: Option<ClientTls>,
    /// Tell the broker the client's address, by the PROXY protocol, version 2. The broker's listener must expect it.
    pub proxy_protocol: bool,
    /// Refuse the user `guest` from other machines, which the broker would let in: to it they come from this one.
    pub refuse_guest: bool,
    /// How long an attempt to reach one of the broker's addresses may take.
    pub connect_timeout: Duration,
    /// Sessions at a time; further ones are refused.
    pub sessions_max: usize,
    /// How long running sessions may go on when hoptrail is asked to stop.
    pub drain: Duration,
    /// Bytes in memory that have passed and are not observed yet, packed if they wait long. Bytes beyond this number are
    /// not observed.
    pub backlog_bytes_max: u64,
}

/// A host by its name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let HostPort { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// How the broker is reached by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerTls {
    /// Certificates that its own is checked against (PEM); `None`: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The name that its certificate must be for.
    pub server_name: String,
}

/// How clients come by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// The proxy's certificate, and those that vouch for it (PEM).
    pub cert_file: PathBuf,
    /// Its private key (PEM).
    pub key_file: PathBuf,
    /// Certificates that those of clients are checked against (PEM); set unless `client_auth` is `None`.
    pub client_ca_file: Option<PathBuf>,
    /// Whether clients must have a certificate.
    pub client_auth: ClientAuth,
}

/// Whether clients must have a certificate. The broker does not see it, so a login by certificate ends here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// They are not asked for one.
    #[default]
    None,
    /// One that is sent must be right.
    Optional,
    /// A client without one is refused.
    Required,
}

/// Only clients of this machine reach it; the port is the one beside the broker's own.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5673);
/// A host may have several addresses, and clients commonly wait 10 to 60 seconds for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Most brokers have fewer connections; each session takes two sockets.
const SESSIONS_MAX: usize = 10_000;
/// To one address of the broker there are no more ports to connect from.
const SESSIONS_LIMIT: usize = 65_536;
/// A supervisor kills hoptrail after 30 to 90 seconds, and the journal must be closed after the sessions.
const DRAIN: Duration = Duration::from_secs(10);
/// Packed, it holds some seconds of a broker at its full rate. So a journal that stalls for a moment loses nothing.
const BACKLOG_BYTES_MAX: ByteSize = ByteSize::mib(36);
/// Below it the first burst would be a gap.
const BACKLOG_BYTES_MIN: u64 = 1 << 20;
/// A host's name has no more bytes (RFC 1035, section 2.3.4).
const HOST_LEN_MAX: usize = 255;

/// The proxy: clients connect to hoptrail instead of to the broker. It passes their bytes on, and records confirms,
/// returns and settlements, which a tap cannot see.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProxy {
    /// Whether the proxy takes clients.
    ///
    /// Default: `false`
    enabled: bool,
    /// The address at which clients connect.
    ///
    /// Default: `127.0.0.1:5673`
    listen: Option<SocketAddr>,
    /// The address of the broker, as `host:port`. If the host has several addresses, the proxy tries each in turn.
    ///
    /// Default: host and port of `broker.url`
    broker: Option<String>,
    /// Whether the proxy connects to the broker by TLS.
    ///
    /// Default: yes if `broker.url` begins with `amqps://`
    broker_tls: Option<bool>,
    /// A file with the certificates (PEM) that the broker's certificate is checked against.
    ///
    /// Default: the certificates that the system trusts
    broker_ca_file: Option<PathBuf>,
    /// The name that the broker's certificate must be for.
    ///
    /// Default: the host of the broker
    broker_server_name: Option<String>,
    /// A file with the proxy's certificate (PEM). Clients then connect by TLS.
    ///
    /// Default: none
    tls_cert_file: Option<PathBuf>,
    /// A file with the private key (PEM) of the proxy's certificate.
    ///
    /// Default: none
    tls_key_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that clients' certificates are checked against.
    ///
    /// Default: none
    tls_client_ca_file: Option<PathBuf>,
    /// Whether clients must have a certificate. `optional` checks a certificate that a client sends; `required` refuses
    /// a client without one.
    ///
    /// Values: `none`, `optional`, `required`
    ///
    /// Default: `none`
    tls_client_auth: ClientAuth,
    /// Whether the proxy tells the broker each client's address, by the PROXY protocol, version 2. The broker's
    /// listener must expect it.
    ///
    /// Default: `false`
    proxy_protocol: bool,
    /// Whether the proxy refuses the user `guest` from other machines. To the broker such a client seems to come from
    /// this machine, and the broker would let it in.
    ///
    /// Default: `true`
    refuse_guest: Option<bool>,
    /// The longest time for an attempt at one of the broker's addresses.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `5s`
    #[serde(with = "humantime_serde")]
    connect_timeout: Option<Duration>,
    /// The most sessions at a time. The proxy refuses further clients.
    ///
    /// Range: `1` to `65536`
    ///
    /// Default: `10000`
    sessions_max: Option<usize>,
    /// The time that running sessions get to end when hoptrail stops.
    ///
    /// Default: `10s`
    #[serde(with = "humantime_serde")]
    drain: Option<Duration>,
    /// The most bytes in memory that have passed and are not observed yet. The proxy packs them when many wait. When
    /// seven eighths are taken and the recorder's queue is full, `record.on_full` decides.
    ///
    /// Range: `1MiB` to `1TiB`
    ///
    /// Default: `36MiB`
    backlog_bytes_max: Option<ByteSize>,
}

impl RawProxy {
    /// `None`: there is no broker to go to, which has been noted.
    pub(super) fn validate(mut self, broker: Option<&Broker>, problems: &mut Problems) -> Option<Proxy> {
        let (address, amqps) = self.broker_address(broker, problems).unzip();
        let broker_tls = self.broker_tls(address.as_ref(), amqps.unwrap_or(false), problems);
        let tls = self.client_tls(problems);
        let listen = self.listen.unwrap_or(LISTEN);
        let connect_timeout = self.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        problems.check_positive("proxy.connect_timeout", connect_timeout);
        let sessions_max = self.sessions_max.unwrap_or(SESSIONS_MAX);
        problems.check_range("proxy.sessions_max", &sessions_max, 1..=SESSIONS_LIMIT);
        let backlog_bytes_max = self.backlog_bytes_max.unwrap_or(BACKLOG_BYTES_MAX).as_u64();
        problems.check_range("proxy.backlog_bytes_max", &backlog_bytes_max, BACKLOG_BYTES_MIN..=1 << 40);
        let address = address?;
        // The defaults of one who does not use the proxy must not stand in the way of any broker.
        if self.enabled && is_itself(listen, &address) {
            problems.add(
                "proxy.listen",
                format_args!("{listen} is the broker's own address; sessions would go in circles"),
            );
        }
        Some(Proxy {
            enabled: self.enabled,
            listen,
            broker: address,
            broker_tls,
            tls,
            proxy_protocol: self.proxy_protocol,
            refuse_guest: self.refuse_guest.unwrap_or(true),
            connect_timeout,
            sessions_max,
            drain: self.drain.unwrap_or(DRAIN),
            backlog_bytes_max,
        })
    }

    /// Where sessions go on, and whether `broker.url` asks for TLS.
    fn broker_address(&mut self, broker: Option<&Broker>, problems: &mut Problems) -> Option<(HostPort, bool)> {
        let own = self.broker.take().map(|text| problems.check("proxy.broker", host_port(&text)));
        let uri = amqp_url(broker?.url.reveal()).ok()?;
        let amqps = uri.scheme == amq_protocol::uri::AMQPScheme::AMQPS;
        let address = own.unwrap_or(Some(HostPort { host: uri.authority.host, port: uri.authority.port }))?;
        Some((address, amqps))
    }

    fn broker_tls(&mut self, address: Option<&HostPort>, amqps: bool, problems: &mut Problems) -> Option<BrokerTls> {
        let (ca_file, name) = (self.broker_ca_file.take(), self.broker_server_name.take());
        // Without an address it cannot be told what the default is.
        let wanted = self.broker_tls.or(address.map(|_| amqps));
        if wanted == Some(false) {
            let lacks = "is for TLS to the broker, and that is off; set proxy.broker_tls, or remove this";
            let given = [("proxy.broker_ca_file", ca_file.is_some()), ("proxy.broker_server_name", name.is_some())];
            given.into_iter().filter(|(_, given)| *given).for_each(|(key, _)| problems.add(key, lacks));
        }
        if wanted != Some(true) {
            return None;
        }
        let server_name = name.or_else(|| address.map(|address| address.host.clone()))?;
        let checked = rustls::pki_types::ServerName::try_from(server_name.as_str());
        problems.check(
            "proxy.broker_server_name",
            checked.map_err(|_| format!("{server_name:?} is no name that a certificate could be for")),
        )?;
        Some(BrokerTls { ca_file, server_name })
    }

    fn client_tls(&mut self, problems: &mut Problems) -> Option<ClientTls> {
        let (client_ca_file, client_auth) = (self.tls_client_ca_file.take(), self.tls_client_auth);
        let asks = client_auth != ClientAuth::None;
        match (&client_ca_file, asks) {
            (None, true) => problems.add(
                "proxy.tls_client_ca_file",
                "is needed to check clients' certificates, which proxy.tls_client_auth asks for",
            ),
            (Some(_), false) => problems.add(
                "proxy.tls_client_auth",
                "is \"none\", so proxy.tls_client_ca_file is not used; set \"optional\" or \"required\"",
            ),
            _ => {}
        }
        match (self.tls_cert_file.take(), self.tls_key_file.take()) {
            (Some(cert_file), Some(key_file)) => Some(ClientTls { cert_file, key_file, client_ca_file, client_auth }),
            (cert, key) => {
                let missing = match (cert, key) {
                    (Some(_), _) => {
                        Some(("proxy.tls_key_file", "is missing: a certificate is of no use without its key"))
                    }
                    (_, Some(_)) => {
                        Some(("proxy.tls_cert_file", "is missing: a key is of no use without its certificate"))
                    }
                    _ if asks => Some(("proxy.tls_cert_file", "is missing: clients' certificates come by TLS only")),
                    _ => None,
                };
                if let Some((key, text)) = missing {
                    problems.add(key, text);
                }
                None
            }
        }
    }
}

/// `host:port`; an IPv6 address stands in brackets.
fn host_port(text: &str) -> Result<HostPort, String> {
    let parsed = || {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')),
        };
        let host = bare.unwrap_or(host);
        (is_host && host.len() <= HOST_LEN_MAX).then(|| HostPort { host: host.to_owned(), port })
    };
    parsed().ok_or_else(|| format!("{text:?} is not of the form host:port ([address]:port for IPv6)"))
}

/// The broker is where the proxy listens, as far as this can be known without a look-up of names.
fn is_itself(listen: SocketAddr, broker: &HostPort) -> bool {
    let here = match broker.host.parse::<IpAddr>() {
        Ok(address) => address == listen.ip() || listen.ip().is_unspecified() && address.is_loopback(),
        Err(_) => broker.host == "localhost" && (listen.ip().is_loopback() || listen.ip().is_unspecified()),
    };
    here && listen.port() == broker.port
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError, load};

    fn loaded(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        load(None, [], &flags)
    }

    #[track_caller]
    fn proxy(settings: &[(&str, &str)]) -> Proxy {
        loaded(settings).unwrap_or_else(|error| panic!("{error}")).proxy
    }

    /// The settings that have a problem, with a part of what is said of each.
    #[track_caller]
    fn check(settings: &[(&str, &str)], expected: &[(&str, &str)]) {
        let Err(ConfigError::Invalid(problems)) = loaded(settings) else { panic!("accepted: {settings:?}") };
        let found: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(found, expected.iter().map(|(key, _)| *key).collect::<Vec<_>>(), "{problems}");
        for (problem, (_, part)) in problems.iter().zip(expected) {
            assert!(problem.text.contains(part), "{problem} does not say {part:?}");
        }
    }

    #[test]
    fn sessions_go_to_the_broker_of_the_url_unless_told_otherwise() {
        let address = |settings: &[(&str, &str)]| {
            let HostPort { host, port } = proxy(settings).broker;
            (host, port)
        };
        assert_eq!(address(&[]), ("127.0.0.1".into(), 5672));
        assert_eq!(address(&[("broker.url", "amqp://u:p@rabbit")]), ("rabbit".into(), 5672));
        assert_eq!(address(&[("broker.url", "amqps://u:p@rabbit/v")]), ("rabbit".into(), 5671));
        check(&[("broker.url", "amqp://u:p@[fe80::1]:5680")], &[("broker.url", "IPv6")]);
        assert_eq!(address(&[("proxy.broker", "rabbit-2.example:5700")]), ("rabbit-2.example".into(), 5700));
        assert_eq!(address(&[("proxy.broker", "[fe80::1]:5700")]), ("fe80::1".into(), 5700));
        for wrong in
            ["rabbit", "rabbit:", ":5672", "rabbit:0", "rabbit:65536", "::1:5672", "[rabbit]:5672", "u@rabbit:1"]
        {
            check(&[("proxy.broker", wrong)], &[("proxy.broker", "host:port")]);
        }
    }

    #[test]
    fn tls_to_the_broker_follows_the_url_and_checks_the_broker_s_host() {
        assert_eq!(proxy(&[]).broker_tls, None);
        let tls = proxy(&[("broker.url", "amqps://u:p@rabbit")]).broker_tls.expect("as the URL");
        assert_eq!(tls, BrokerTls { ca_file: None, server_name: "rabbit".into() });
        assert_eq!(proxy(&[("broker.url", "amqps://u:p@rabbit"), ("proxy.broker_tls", "false")]).broker_tls, None);
        let settings = [
            ("proxy.broker_tls", "true"),
            ("proxy.broker_ca_file", "ca.pem"),
            ("proxy.broker_server_name", "r.example"),
        ];
        let tls = proxy(&settings).broker_tls.expect("asked for");
        assert_eq!(tls, BrokerTls { ca_file: Some("ca.pem".into()), server_name: "r.example".into() });
        check(&settings[1..], &[("proxy.broker_ca_file", "TLS"), ("proxy.broker_server_name", "TLS")]);
        check(
            &[("proxy.broker_tls", "true"), ("proxy.broker_server_name", "not a name")],
            &[("proxy.broker_server_name", "\"not a name\"")],
        );
    }

    #[test]
    fn a_certificate_goes_with_its_key_and_client_certificates_with_a_ca() {
        let cert = ("proxy.tls_cert_file", "c.pem");
        let key = ("proxy.tls_key_file", "k.pem");
        let ca = ("proxy.tls_client_ca_file", "ca.pem");
        let required = ("proxy.tls_client_auth", "required");
        let tls = proxy(&[cert, key]).tls.expect("TLS");
        assert_eq!((tls.client_ca_file, tls.client_auth), (None, ClientAuth::None));
        let tls = proxy(&[cert, key, ca, required]).tls.expect("TLS");
        assert_eq!((tls.client_ca_file, tls.client_auth), (Some("ca.pem".into()), ClientAuth::Required));
        check(&[cert], &[("proxy.tls_key_file", "key")]);
        check(&[key], &[("proxy.tls_cert_file", "certificate")]);
        check(&[cert, key, required], &[("proxy.tls_client_ca_file", "needed")]);
        check(&[cert, key, ca], &[("proxy.tls_client_auth", "not used")]);
        check(&[ca, required], &[("proxy.tls_cert_file", "TLS only")]);
    }

    #[test]
    fn a_proxy_that_is_on_does_not_listen_on_the_broker_s_address() {
        let on = ("proxy.enabled", "true");
        for (listen, broker) in [
            ("127.0.0.1:5672", "127.0.0.1:5672"),
            ("0.0.0.0:5672", "127.0.0.1:5672"),
            ("[::]:5672", "[::1]:5672"),
            ("127.0.0.1:5672", "localhost:5672"),
        ] {
            let settings = [("proxy.listen", listen), ("proxy.broker", broker)];
            check(&[&settings[..], &[on]].concat(), &[("proxy.listen", "circles")]);
            assert!(!proxy(&settings).enabled, "off, so that it does not matter");
        }
        assert!(proxy(&[on, ("proxy.listen", "10.0.0.1:5672")]).enabled);
        assert!(proxy(&[on, ("proxy.listen", "0.0.0.0:5672"), ("proxy.broker", "rabbit:5672")]).enabled);
    }

    #[test]
    fn values_out_of_bounds_are_all_told_at_once() {
        check(
            &[
                ("broker.url", "nowhere"),
                ("proxy.broker", "nowhere"),
                ("proxy.tls_key_file", "k.pem"),
                ("proxy.connect_timeout", "0s"),
                ("proxy.sessions_max", "0"),
                ("proxy.backlog_bytes_max", "1KiB"),
            ],
            &[
                ("broker.url", "amqp://"),
                ("proxy.broker", "host:port"),
                ("proxy.tls_cert_file", "missing"),
                ("proxy.connect_timeout", "longer"),
                ("proxy.sessions_max", "not between"),
                ("proxy.backlog_bytes_max", "not between"),
            ],
        );
    }
}
