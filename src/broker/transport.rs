//! The bytes under a connection: TCP, or TLS over it, checked against the certificates that the system trusts.
//!
//! lapin could make TLS itself, and would bring along readers of certificate stores that nobody here has: a fifth of all
//! crates that are compiled.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures_util::{AsyncRead, AsyncWrite, Stream};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// Opens a connection to the broker at this address.
pub(super) async fn open(uri: AMQPUri, properties: ConnectionProperties) -> lapin::Result<Connection> {
    let runtime = Runtime::new(RuntimeParts::new(Tokio::current(), Reach(Tokio::current())));
    let reach = async |uri: AMQPUri, _| Ok(AsyncTcpStream::Plain(reach(&uri).await?));
    Connection::connector(uri, runtime, reach, properties).await
}

async fn reach(uri: &AMQPUri) -> io::Result<Bytes> {
    let host = uri.authority.host.as_str();
    let stream = TcpStream::connect((host, uri.authority.port)).await?;
    match uri.scheme {
        AMQPScheme::AMQP => plain(stream),
        AMQPScheme::AMQPS => {
            stream.set_nodelay(true)?;
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            Ok(boxed(tls()?.connect(name, stream).await?))
        }
    }
}

fn plain(stream: TcpStream) -> io::Result<Bytes> {
    stream.set_nodelay(true)?;
    Ok(boxed(stream))
}

fn tls() -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(io::Error::other(format!("the system has no certificates to check the broker's against{cause}")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Bytes in both directions.
trait Duplex: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Duplex for T {}

type Bytes = Compat<Box<dyn Duplex>>;

fn boxed(stream: impl Duplex + 'static) -> Bytes {
    let stream: Box<dyn Duplex> = Box::new(stream);
    stream.compat()
}

/// tokio's clock and sockets for lapin, with connections that may be of TLS.
#[derive(Clone, Debug)]
struct Reach(Tokio);

impl Reactor for Reach {
    type TcpStream = Bytes;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, length: Duration) -> Self::Sleep {
        self.0.sleep(length)
    }

    fn interval(&self, length: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(length)
    }

    #[expect(clippy::manual_async_fn, reason = "the trait asks for a future that does not borrow from self")]
    fn tcp_connect_addr(&self, address: SocketAddr) -> impl Future<Output = io::Result<Bytes>> + Send + 'static {
        async move { plain(TcpStream::connect(address).await?) }
    }
}
