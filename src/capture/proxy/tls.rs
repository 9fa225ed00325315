//! TLS of either leg: certificates and keys, read once at the start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::stream::Stream;
use crate::config::{BrokerTls, ClientAuth, ClientTls, Proxy};

/// A handshake takes two round trips. A client that has not finished by then holds a place for nothing.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has nothing of the kind in it.
    #[error("{}: {cause}; check {setting}", path.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The certificates do not go together.
    #[error("the certificates of {setting} cannot be used: {cause}")]
    Unusable {
        /// The setting.
        setting: &'static str,
        /// Why.
        cause: String,
    },
    /// The system trusts nobody.
    #[error("the system has no certificates to check the broker's against: set proxy.broker_ca_file")]
    NoRoots,
}

/// The settings of TLS towards clients and towards the broker; `None`: the connection is plain.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) from_clients: Option<TlsAcceptor>,
    to_broker: Option<(TlsConnector, ServerName<'static>)>,
}

impl Tls {
    pub(super) fn new(settings: &Proxy) -> Result<Tls, TlsError> {
        let from_clients = settings.tls.as_ref().map(acceptor).transpose()?;
        let to_broker = settings.broker_tls.as_ref().map(connector).transpose()?;
        Ok(Tls { from_clients, to_broker })
    }

    /// The client's leg.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Stream> {
        let Some(acceptor) = &self.from_clients else { return Ok(Stream::Plain(stream)) };
        let tls = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await??;
        Ok(Stream::FromClient(Box::new(tls)))
    }

    /// The broker's leg.
    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<Stream> {
        let Some((connector, name)) = &self.to_broker else { return Ok(Stream::Plain(stream)) };
        let tls = tokio::time::timeout(HANDSHAKE, connector.connect(name.clone(), stream)).await??;
        Ok(Stream::ToBroker(Box::new(tls)))
    }
}

fn acceptor(settings: &ClientTls) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |setting, cause: &dyn ToString| TlsError::Unusable { setting, cause: cause.to_string() };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("proxy.tls_cert_file", &error))?;
    let builder = match &settings.client_ca_file {
        Some(file) if settings.client_auth != ClientAuth::None => {
            let roots = Arc::new(roots("proxy.tls_client_ca_file", file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let optional = settings.client_auth == ClientAuth::Optional;
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| unusable("proxy.tls_client_ca_file", &error))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates("proxy.tls_cert_file", &settings.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key_file)
        .map_err(|error| file("proxy.tls_key_file", &settings.key_file, &error))?;
    let config = builder.with_single_cert(chain, key).map_err(|error| unusable("proxy.tls_cert_file", &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn connector(settings: &BrokerTls) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
    let unusable = |setting, cause: &dyn ToString| TlsError::Unusable { setting, cause: cause.to_string() };
    let roots = match &settings.ca_file {
        Some(file) => roots("proxy.broker_ca_file", file)?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::NoRoots);
            }
            roots
        }
    };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("proxy.broker_ca_file", &error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(settings.server_name.clone())
        .map_err(|error| unusable("proxy.broker_server_name", &error))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn roots(setting: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(setting, path)? {
        roots.add(certificate).map_err(|error| file(setting, path, &error))?;
    }
    Ok(roots)
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| file(setting, path, &error))?.collect();
    let certificates = certificates.map_err(|error| file(setting, path, &error))?;
    if certificates.is_empty() {
        return Err(file(setting, path, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn file(setting: &'static str, path: &Path, cause: &dyn ToString) -> TlsError {
    TlsError::File { setting, path: path.to_owned(), cause: cause.to_string() }
}
