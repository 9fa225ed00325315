//! The way to the broker: its addresses in order, each within a time.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::proxy_protocol::header;
use super::stream::Stream;
use super::tls::Tls;
use crate::config;
use crate::live::Refused;

/// Why a session cannot go on to the broker.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// Its name means nothing.
    #[error("no address for {host}: {source}; check proxy.broker")]
    Lookup { host: String, source: io::Error },
    /// None of its addresses answers.
    #[error("the broker cannot be reached: {}; is it running? check proxy.broker", tried.join(", "))]
    Unreachable { tried: Vec<String> },
    /// TLS failed.
    #[error("no TLS with the broker at {address}: {source}; check proxy.broker_ca_file and proxy.broker_server_name")]
    Tls { address: SocketAddr, source: io::Error },
}

impl ConnectError {
    /// As it is counted.
    pub(super) fn refused(&self) -> Refused {
        match self {
            ConnectError::Tls { .. } => Refused::Tls,
            ConnectError::Lookup { .. } | ConnectError::Unreachable { .. } => Refused::BrokerUnreachable,
        }
    }
}

/// Two ends of a connection. To the broker are announced the client's address and the address that it connected to.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// The broker's leg of a session, and its two addresses.
pub(super) async fn connect(
    settings: &config::Proxy,
    tls: &Tls,
    announced: Ends,
) -> Result<(Stream, Option<Ends>), ConnectError> {
    let config::HostPort { host, port } = &settings.broker;
    let lookup = |source| ConnectError::Lookup { host: host.clone(), source };
    let found = timeout(settings.connect_timeout, lookup_host((host.as_str(), *port))).await;
    let addresses = found.map_err(|late| lookup(late.into()))?.map_err(lookup)?;
    let (mut tried, mut failed) = (Vec::new(), None);
    for address in addresses {
        let reached = timeout(settings.connect_timeout, reach(settings, address, announced)).await;
        match reached.map_err(io::Error::from).flatten() {
            Ok(stream) => {
                let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
                match tls.connect(stream).await {
                    Ok(leg) => return Ok((leg, ends)),
                    Err(source) => failed = Some(ConnectError::Tls { address, source }),
                }
            }
            Err(error) => tried.push(format!("{address} ({error})")),
        }
    }
    // An address that answers says more than those that do not.
    if let Some(failed) = failed {
        return Err(failed);
    }
    if tried.is_empty() {
        return Err(lookup(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    Err(ConnectError::Unreachable { tried })
}

async fn reach(settings: &config::Proxy, address: SocketAddr, announced: Ends) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if settings.proxy_protocol {
        stream.write_all(&header(announced.0, announced.1)).await?;
    }
    Ok(stream)
}
