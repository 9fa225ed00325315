//! The proxy: stands between clients and the broker, passes their bytes on unchanged, and lets them be observed.
//!
//! Owns the clients' connections and those to the broker, and the order in which bytes reach the observer. Does not
//! know the journal. Of AMQP it knows the login only.
//!
//! Few threads, because wake-ups cost more than parsing where two cores also carry the broker: the relay ([`listen`],
//! [`relay`]) has every session, and copies the bytes that it passes on into batches ([`backlog`]). The observer
//! ([`observe`]) takes whole batches, has [`wire`](crate::wire) follow each session, and hands events to `record`
//! ([`handover`]). A third thread packs batches that have to wait. The relay never waits for the observer, unless
//! `record.on_full` says so.

mod backlog;
mod connect;
mod copier;
mod handover;
mod listen;
mod observe;
mod pace;
mod proxy_protocol;
mod relay;
mod running;
mod session;
mod stream;
mod tls;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::clock;
use crate::config::{Config, OnFull};
use crate::live::Live;
use crate::model::{Source, SourceState};
use crate::record::Recorder;
use crate::task;

pub use tls::TlsError;

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
    config: Arc<Config>,
    listener: TcpListener,
    tls: tls::Tls,
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
    let tls = tls::Tls::new(settings)?;
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

    /// Serves clients until `cancel`, then lets sessions go on for `proxy.drain`. Its threads are on `tracker`.
    pub fn run(self, recorder: Recorder, live: Live, tracker: &TaskTracker, cancel: &CancellationToken) {
        for vhost in &self.config.broker.vhosts {
            live.sources.set_state(vhost, Source::Proxy, SourceState::Live, clock::now());
        }
        let (sender, receiver, packer) = backlog::new(self.config.proxy.backlog_bytes_max, live.sessions.clone());
        let observing = observe::Observing::new(
            recorder.clone(),
            live.clone(),
            self.config.record.on_full,
            !self.config.tap.enabled,
            Handle::current(),
        );
        let running = running::Running::begin(&self.config, &recorder);
        let owner = recorder.clone();
        // Clients would hang, or pass unobserved without a word.
        let fail = move |why: String| owner.fail(&why);
        let owner = recorder.clone();
        let observe = move || {
            observing.run(&receiver);
            // What waits now and cannot be recorded is told by the next start, as after a kill.
            if !owner.has_ended() && owner.stats().paused.is_none() {
                running.end();
            }
        };
        task::tracked("hoptrail-watch", tracker, observe, fail.clone());
        task::tracked("hoptrail-pack", tracker, move || packer.run(), fail.clone());
        let cancel = cancel.clone();
        let relay = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return recorder.fail(&format!("the proxy cannot run: {error}")),
            };
            let wait = self.config.record.on_full == OnFull::Wait;
            let relay = listen::Relay::new(self.config, self.tls, live.sessions, sender, wait);
            if let Err(error) = tokio::task::LocalSet::new().block_on(&runtime, relay.serve(self.listener, cancel)) {
                recorder.fail(&format!("the proxy cannot listen: {error}"));
            }
            info!("the proxy has ended");
        };
        task::tracked("hoptrail-relay", tracker, relay, fail);
    }
}
