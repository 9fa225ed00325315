//! Binds the proxy's socket and reads its certificates, before anything starts.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::tls::{Tls, TlsError};
use crate::config::Config;

/// Why the proxy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Its address is not to be had.
    #[error("the proxy cannot listen on {listen}: {source}; is it in use? set proxy.listen to another address")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Its certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The proxy, bound and not started.
pub struct Proxy {
    pub(super) config: Arc<Config>,
    pub(super) listener: TcpListener,
    pub(super) tls: Tls,
}

/// Binds the proxy's socket and reads its certificates. `None`: it is switched off.
///
/// # Errors
/// [`BindError`].
pub fn bind(config: &Arc<Config>) -> Result<Option<Proxy>, BindError> {
    let settings = &config.proxy;
    if !settings.enabled {
        return Ok(None);
    }
    let tls = Tls::new(settings)?;
    let failed = |source| BindError::Listen { listen: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(Some(Proxy { config: Arc::clone(config), listener, tls }))
}

impl Proxy {
    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
