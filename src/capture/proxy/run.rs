//! Starts the proxy's threads: the relay, the observer and the packer.

use tokio::runtime::{Builder, Handle};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::backlog;
use super::bind::Proxy;
use super::listen::Relay;
use super::observe::Observing;
use super::running::Running;
use crate::config::OnFull;
use crate::live::Live;
use crate::model::{Source, SourceState};
use crate::record::Recorder;
use crate::{clock, task};

/// Serves clients until `cancel`, then lets sessions go on for `proxy.drain`. Its threads are on `tracker`.
pub fn run(proxy: Proxy, recorder: Recorder, live: Live, tracker: &TaskTracker, cancel: &CancellationToken) {
    let Proxy { config, listener, tls } = proxy;
    for vhost in &config.broker.vhosts {
        live.sources.set_state(vhost, Source::Proxy, SourceState::Live, clock::now());
    }
    let (sender, receiver, packer) = backlog::new(config.proxy.backlog_bytes_max, live.sessions.clone());
    let observing =
        Observing::new(recorder.clone(), live.clone(), config.record.on_full, !config.tap.enabled, Handle::current());
    let running = Running::begin(&config, &recorder);
    let owner = recorder.clone();
    // Clients would hang, or pass unobserved without a word.
    let fail = move |why: String| owner.fail(&why);
    let owner = recorder.clone();
    let observe = move || {
        observing.run(&receiver);
        // If observations that wait now cannot be recorded, the next start tells it, as after a kill.
        if !owner.has_ended() && owner.stats().paused.is_none() {
            running.end();
        }
    };
    task::tracked("hoptrail-watch", tracker, observe, fail.clone());
    task::tracked("hoptrail-pack", tracker, move || packer.run(), fail.clone());
    let cancel = cancel.clone();
    let relay = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return recorder.fail(&format!("the proxy cannot run: {error}")),
        };
        let wait = config.record.on_full == OnFull::Wait;
        let relay = Relay::new(config, tls, live.sessions, sender, wait);
        if let Err(error) = LocalSet::new().block_on(&runtime, relay.serve(listener, cancel)) {
            recorder.fail(&format!("the proxy cannot listen: {error}"));
        }
        info!("the proxy has ended");
    };
    task::tracked("hoptrail-relay", tracker, relay, fail);
}
