//! `hoptrail run`: starts everything that is open, and waits for the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::alert::Alerts;
use crate::capture::{proxy, tap};
use crate::config::Config;
use crate::flow::Flow;
use crate::follow::{Follower, Progress, Update};
use crate::query::Handles;
use crate::record::{Keeping, Recorder};
use crate::serve;
use crate::{clock, task};

use super::open::App;
use super::stop::{Reason, Running, Signals};

/// The name of the thread that feeds stalls and alerts, as `top -H` shows it.
const FOLLOW_THREAD: &str = "hoptrail-follow";
/// The name of the thread that tidies the journal.
const KEEP_THREAD: &str = "hoptrail-keep";

/// Runs until a signal, or until recording fails.
///
/// # Errors
/// A socket could not be bound, the journal could not be opened, or recording failed.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let signals = Signals::listen();
    let running = app.start();
    let reason = signals.wait(&running.recorder).await;
    info!(reason = %reason, "stopping");
    running.stop().await;
    match reason {
        Reason::Failed(cause) => anyhow::bail!(
            "recording stopped: {cause}. Nothing that was acknowledged is lost, the broker keeps the rest; start \
             hoptrail again"
        ),
        Reason::Signal(_) => Ok(()),
    }
}

impl App {
    /// Starts everything, in the runtime of the caller.
    #[must_use]
    pub fn start(self) -> Running {
        let drain = self.proxy.as_ref().map_or(Duration::ZERO, |_| self.config.proxy.drain);
        let captures = (TaskTracker::new(), CancellationToken::new());
        let services = (TaskTracker::new(), CancellationToken::new());
        let (tracker, cancel) = &services;
        let flow = Flow::new(self.reader.clone(), self.config.flow.clone());
        let progress = self.follow(flow.clone(), tracker, cancel);
        if let Ok(address) = self.http_address() {
            info!(http = %address, journal = %self.config.journal.dir.display(), seq = self.reader.last_seq().0, "hoptrail is running");
        }
        let handles = Handles {
            reader: self.reader,
            flow,
            progress,
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
        // The keeper stops with the captures, because it records its own work.
        keep(self.keeping, &self.recorder, &captures.0, &captures.1);
        if let Some(proxy) = self.proxy {
            if let Ok(address) = proxy.address() {
                info!(proxy = %address, broker = %self.config.proxy.broker, "the proxy takes clients");
            }
            proxy::run(proxy, self.recorder.clone(), self.live.clone(), &captures.0, &captures.1);
        }
        tap::run(self.config, self.recorder.clone(), self.live.sources, &captures.0, &captures.1);
        Running { recorder: self.recorder, writer: self.writer, captures, services, drain }
    }

    /// Feeds stalls and alerts.
    fn follow(&self, flow: Flow, tracker: &TaskTracker, cancel: &CancellationToken) -> Progress {
        let (followed, alerts) = (self.config.flow.follow_for, self.alerts.clone());
        let from = move || clock::now().before(followed);
        let follower =
            Follower::new(self.reader.clone(), &self.recorder.tail(), from, move |update| feed(&flow, &alerts, update));
        let progress = follower.progress();
        let (runtime, cancel, recorder) = (Handle::current(), cancel.clone(), self.recorder.clone());
        let run = move || follower.run(FOLLOW_THREAD, &runtime, &cancel);
        task::tracked(FOLLOW_THREAD, tracker, run, move |why| recorder.fail(&why));
        progress
    }
}

fn feed(flow: &Flow, alerts: &Alerts, update: Update<'_>) {
    match update {
        Update::Begin => {
            flow.begin();
            alerts.begin();
        }
        Update::Events(events) => {
            flow.apply(events);
            alerts.apply(events);
        }
        Update::Time(now) => alerts.tick(now),
        // Removed events change no stall and no alert.
        Update::Missing(_) => {}
    }
}

/// Tidies the journal. Recording goes on after a panic of the keeper.
fn keep(mut keeping: Keeping, recorder: &Recorder, tracker: &TaskTracker, cancel: &CancellationToken) {
    let (runtime, cancel, recorder) = (Handle::current(), cancel.clone(), recorder.clone());
    let run = move || task::again(KEEP_THREAD, &runtime, &cancel, || keeping.run(&runtime, &cancel), || ());
    task::tracked(KEEP_THREAD, tracker, run, move |why| recorder.fail(&why));
}
