//! The tap: subscribes to the broker and records what it delivers.
//!
//! Owns its queues on the broker, their bindings, and the order of recording and acknowledging. Knows nothing of the journal: it hands over observations and is told when they are durable.
//!
//! One supervisor per vhost ([`supervisor`]) connects, and runs on each connection the discovery of what is to be
//! observed ([`discovery`], planned by [`topology`]) beside one reader per source ([`source`], [`deliver`]).

mod clients;
mod cursor;
mod decode;
mod deliver;
mod discovery;
mod ledger;
mod notes;
mod probe;
mod queues;
mod source;
mod supervisor;
mod topology;
mod tracing_switch;
mod unreadable;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Management;
use crate::clock;
use crate::config::Config;
use crate::live::Sources;
use crate::model::api::TapState;
use crate::model::{Event, Source};
use crate::record::Recorder;
use clients::Clients;

pub use probe::probe;

/// Observes every configured vhost until cancelled, each in a task of its own on `tracker`. Returns at once.
pub fn run(
    config: Arc<Config>,
    recorder: Recorder,
    sources: Sources,
    tracker: &TaskTracker,
    cancel: &CancellationToken,
) {
    if !config.tap.enabled {
        for vhost in &config.broker.vhosts {
            for source in [Source::Binding, Source::DeadLetter, Source::Firehose, Source::Events] {
                sources.set_state(vhost, source, TapState::Off, clock::now());
            }
        }
        return;
    }
    let management = config.broker.management.as_ref().and_then(|settings| {
        let made = Management::new(settings);
        made.map_err(|error| tracing::error!(%error, "the management API is not used")).ok()
    });
    let nudges = Nudges::new(&config.broker.vhosts);
    let shared = Arc::new(Shared { config, recorder, sources, clients: Clients::default(), nudges, management });
    for vhost in &shared.config.broker.vhosts {
        let supervisor = supervisor::Supervisor::new(shared.clone(), vhost);
        tracker.spawn(supervisor.run(cancel.clone()));
    }
}

/// What the supervisors of all vhosts have in common.
struct Shared {
    config: Arc<Config>,
    recorder: Recorder,
    sources: Sources,
    clients: Clients,
    nudges: Nudges,
    management: Option<Management>,
}

impl Shared {
    /// The event belongs to a vhost that is observed, or to none: the event exchange tells of all.
    fn is_observed(&self, event: &Event) -> bool {
        event.vhost.as_ref().is_none_or(|vhost| self.config.broker.vhosts.iter().any(|known| **known == **vhost))
    }
}

/// Tells the discovery of a vhost that something has changed there, whichever vhost's tap heard of it.
struct Nudges(HashMap<String, Notify>);

impl Nudges {
    fn new(vhosts: &[String]) -> Self {
        Nudges(vhosts.iter().map(|vhost| (vhost.clone(), Notify::new())).collect())
    }

    fn announce(&self, vhost: &str) {
        if let Some(notify) = self.0.get(vhost) {
            notify.notify_one();
        }
    }

    async fn wait(&self, vhost: &str) {
        match self.0.get(vhost) {
            Some(notify) => notify.notified().await,
            None => std::future::pending().await,
        }
    }
}
