//! Everything is bound and opened before anything starts.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::alert::{Alerts, Notifier};
use crate::capture::proxy;
use crate::config::Config;
use crate::journal::Reader;
use crate::live::Live;
use crate::record::{self, Keeping, Opened, Recorder, WriterHandle};

/// Everything bound and opened, nothing started.
pub struct App {
    pub(super) config: Arc<Config>,
    pub(super) listener: TcpListener,
    pub(super) proxy: Option<proxy::Proxy>,
    pub(super) live: Live,
    pub(super) recorder: Recorder,
    pub(super) reader: Reader,
    pub(super) writer: WriterHandle,
    pub(super) keeping: Keeping,
    pub(super) alerts: Alerts,
    pub(super) notifier: Notifier,
}

impl App {
    /// Binds the sockets and opens the journal.
    ///
    /// # Errors
    /// A socket could not be bound, or the journal could not be opened.
    pub async fn open(config: Config) -> anyhow::Result<App> {
        let listen = config.serve.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: is it in use? set serve.listen to another address"))?;
        let config = Arc::new(config);
        let proxy = proxy::bind(&config)?;
        let opening = Arc::clone(&config);
        let live = Live::new(&config.proxy);
        let sources = live.sources.clone();
        // Opening reads the newest events back; the runtime goes on meanwhile.
        let opened = tokio::task::spawn_blocking(move || record::open(&opening, sources)).await?;
        let Opened { recorder, reader, writer, keeping } = opened.context("cannot record")?;
        let (alerts, notifier) = Alerts::new(&config.alert).context("cannot send alerts")?;
        Ok(App { config, listener, proxy, live, recorder, reader, writer, keeping, alerts, notifier })
    }

    /// The address of the HTTP server.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn http_address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
