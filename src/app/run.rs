//! `hoptrail run`: everything is bound and opened before anything starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::alert::{Alerts, Notifier};
use crate::capture::{proxy, tap};
use crate::clock;
use crate::config::Config;
use crate::flow::{Flow, Follower, Sink};
use crate::journal::Reader;
use crate::live::Live;
use crate::query::Handles;
use crate::record::{self, Keeping, Recorder, WriterHandle};
use crate::serve;

use super::shutdown::{self, Reason, Signals};

/// How often alerts are looked at for what time alone brings about.
const ALERT_TICK: Duration = Duration::from_secs(1);

/// Events that may be under way to the follower when it counts as caught up: a moment's worth under load.
const CAUGHT_UP_LAG: u64 = 4096;

/// Everything bound and opened, nothing started.
pub struct App {
    config: Arc<Config>,
    listener: TcpListener,
    proxy: Option<proxy::Proxy>,
    live: Live,
    recorder: Recorder,
    reader: Reader,
    writer: WriterHandle,
    keeping: Keeping,
    alerts: Alerts,
    notifier: Notifier,
}

/// What runs, by what has to stop first.
pub(super) struct Running {
    pub(super) recorder: Recorder,
    pub(super) writer: WriterHandle,
    /// How long the captures may take besides, for sessions to end.
    pub(super) drain: Duration,
    pub(super) captures: (TaskTracker, CancellationToken),
    pub(super) services: (TaskTracker, CancellationToken),
}

/// Runs until a signal, or until the journal fails.
///
/// # Errors
/// What could not be bound or opened, or what ended recording.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let signals = Signals::listen();
    let running = app.start();
    let reason = signals.wait(&running.recorder).await;
    info!(reason = %reason, "stopping");
    shutdown::stop(running).await;
    match reason {
        Reason::Failed(cause) => anyhow::bail!(
            "recording stopped: {cause}. Nothing that was acknowledged is lost, the broker keeps the rest; start \
             hoptrail again"
        ),
        Reason::Signal(_) => Ok(()),
    }
}

impl App {
    /// Binds the sockets and opens the journal.
    ///
    /// # Errors
    /// What could not be bound or opened.
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
        let (recorder, reader, writer, keeping) = opened.context("cannot record")?;
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

    pub(super) fn start(self) -> Running {
        let drain = self.proxy.as_ref().map_or(Duration::ZERO, |_| self.config.proxy.drain);
        let captures = (TaskTracker::new(), CancellationToken::new());
        let services = (TaskTracker::new(), CancellationToken::new());
        let (tracker, cancel) = &services;
        let flow = Flow::new(self.reader.clone(), self.config.flow.clone());
        self.follow(flow.clone(), tracker, cancel);
        self.alert(flow.clone(), tracker, cancel);
        if let Ok(address) = self.http_address() {
            info!(http = %address, journal = %self.config.journal.dir.display(), seq = self.reader.last_seq().0, "hoptrail is running");
        }
        let handles = Handles {
            reader: self.reader,
            flow,
            alerts: self.alerts,
            recorder: self.recorder.clone(),
            live: self.live.clone(),
        };
        let router = serve::router(handles, self.config.serve.request_timeout);
        let (config, requests, stop) = (Arc::clone(&self.config), tracker.clone(), cancel.clone());
        tracker.spawn(self.notifier.run(cancel.clone()));
        tracker.spawn(async move {
            serve::serve(self.listener, router, &config.serve, stop, &requests).await;
        });
        // With the captures, because it records what it does.
        let (runtime, stop_keeping) = (Handle::current(), captures.1.clone());
        captures.0.spawn_blocking(move || self.keeping.run(&runtime, &stop_keeping));
        if let Some(proxy) = self.proxy {
            if let Ok(address) = proxy.address() {
                info!(proxy = %address, broker = %self.config.proxy.broker, "the proxy takes clients");
            }
            proxy.run(self.recorder.clone(), self.live.clone(), &captures.0, &captures.1);
        }
        tap::run(self.config, self.recorder.clone(), self.live.sources, &captures.0, &captures.1);
        Running { recorder: self.recorder, writer: self.writer, captures, services, drain }
    }

    fn follow(&self, flow: Flow, tracker: &TaskTracker, cancel: &CancellationToken) {
        let alerts = self.alerts.clone();
        let sinks: Vec<Sink> = vec![Box::new(move |events| alerts.apply(events))];
        let from = clock::now().before(self.config.flow.follow_for);
        let follower = Follower::new(flow, self.recorder.tail(), sinks, from);
        let (runtime, cancel) = (Handle::current(), cancel.clone());
        let (token, recorder) = (tracker.token(), self.recorder.clone());
        let thread = std::thread::Builder::new().name("hoptrail-follow".into()).spawn(move || {
            follower.run(&runtime, &cancel);
            drop(token);
        });
        if let Err(error) = thread {
            recorder.fail(&format!("the follower's thread cannot be started: {error}"));
        }
    }

    /// The detectors' clock starts when the follower has caught up: what is long over must not be told as firing.
    fn alert(&self, flow: Flow, tracker: &TaskTracker, cancel: &CancellationToken) {
        let (alerts, cancel) = (self.alerts.clone(), cancel.clone());
        tracker.spawn(async move {
            let mut tick = tokio::time::interval(ALERT_TICK);
            let mut caught_up = false;
            while cancel.run_until_cancelled(tick.tick()).await.is_some() {
                caught_up |= flow.lag() <= CAUGHT_UP_LAG;
                if caught_up {
                    alerts.tick(clock::now());
                }
            }
        });
    }
}
