//! Starts the taps.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clients::Clients;
use super::shared::{Nudges, Shared};
use super::supervisor::Supervisor;
use crate::broker::Management;
use crate::clock;
use crate::config::{Broker, Config};
use crate::live::Sources;
use crate::model::{Source, SourceState};
use crate::record::Recorder;

/// Observes every configured vhost until cancelled, each in a task of its own on `tracker`. Returns at once. A tap that
/// is switched off is shown as that.
pub fn run(
    config: Arc<Config>,
    recorder: Recorder,
    sources: Sources,
    tracker: &TaskTracker,
    cancel: &CancellationToken,
) {
    if !config.tap.enabled {
        return show_off(&config.broker, &sources);
    }
    let management = config.broker.management.as_ref().and_then(|settings| {
        let made = Management::new(settings);
        made.map_err(|error| tracing::error!(%error, "the management API is not used")).ok()
    });
    let nudges = Nudges::new(&config.broker.vhosts);
    let shared = Arc::new(Shared { config, recorder, sources, clients: Clients::default(), nudges, management });
    for vhost in &shared.config.broker.vhosts {
        let supervisor = Supervisor::new(shared.clone(), vhost);
        tracker.spawn(supervisor.run(cancel.clone()));
    }
}

fn show_off(broker: &Broker, sources: &Sources) {
    for vhost in &broker.vhosts {
        for source in [Source::Binding, Source::DeadLetter, Source::Firehose, Source::Events] {
            sources.set_state(vhost, source, SourceState::Off, clock::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_tap_that_is_off_is_shown_for_each_source_of_each_vhost() {
        let flags = vec![("broker.vhosts".to_owned(), "['/', 'orders']".to_owned())];
        let broker = config::load(None, [], &flags).expect("settings").broker;
        let sources = Sources::default();
        show_off(&broker, &sources);
        let report = sources.report();
        assert!(report.len() == 8 && report.iter().all(|row| row.state == SourceState::Off), "{report:?}");
    }
}
