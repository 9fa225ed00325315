//! From the observer to `record`. While the queue has no room, observations wait, or they are dropped and counted.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::warn;

use crate::config::OnFull;
use crate::live::Sessions;
use crate::model::{Event, Kind, Source, Timestamp};
use crate::record::{Observation, Recorder};
use crate::wire::Observed;

/// The wait before another attempt. Bytes that pass meanwhile go to the backlog.
const PAUSE: Duration = Duration::from_millis(1);

/// Hands events over in order.
pub(super) struct Handover {
    recorder: Recorder,
    sessions: Sessions,
    on_full: OnFull,
    runtime: Handle,
    dropped: BTreeMap<Kind, Dropped>,
    /// When settlements were dropped; a gap is still to tell which deliveries that concerns.
    settled_unseen: Option<(Timestamp, Timestamp)>,
}

/// Observations of one kind that were dropped and are not in a gap yet.
struct Dropped {
    count: u64,
    from: Timestamp,
    to: Timestamp,
}

impl Handover {
    pub(super) fn new(recorder: Recorder, sessions: Sessions, on_full: OnFull, runtime: Handle) -> Self {
        Handover { recorder, sessions, on_full, runtime, dropped: BTreeMap::new(), settled_unseen: None }
    }

    /// Hands an event over. While there is no room, it waits until `is_pressed` says that the backlog is almost full;
    /// then it drops the observation.
    pub(super) fn send(&mut self, observed: Observed, is_pressed: impl Fn() -> bool) {
        let Observed { event, link } = observed;
        let origin = event.vhost.clone().filter(|_| event.source == Source::Proxy).map(|vhost| (vhost, event.source));
        let mut observation = Box::new(Observation { link, origin, ..Observation::new(event) });
        loop {
            match self.recorder.try_record(observation) {
                Ok(()) => return,
                Err(back) => observation = back,
            }
            if self.on_full == OnFull::Wait {
                let (kind, at) = (observation.event.kind, observation.event.at);
                // Where nothing is recorded any more, the process is about to end.
                if self.runtime.block_on(self.recorder.record(*observation)).is_err() {
                    self.drop_observation(kind, at);
                }
                return;
            }
            if self.recorder.has_ended() || is_pressed() {
                return self.drop_observation(observation.event.kind, observation.event.at);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn drop_observation(&mut self, kind: Kind, at: Timestamp) {
        self.sessions.dropped(kind, 1, at);
        let dropped = self.dropped.entry(kind).or_insert(Dropped { count: 0, from: at, to: at });
        dropped.count += 1;
        dropped.to = dropped.to.max(at);
    }

    /// Records a gap for each kind of which observations were dropped, as soon as there is room again.
    pub(super) fn tell_dropped(&mut self) {
        while let Some((kind, dropped)) = self.dropped.pop_first() {
            let Dropped { count, from, to } = dropped;
            let cause = format!("{count} observations of kind {kind} were not recorded: the journal did not keep up");
            let gap = Event::gap(Source::Proxy, (from, to), Some(count), cause);
            if self.recorder.try_record(Box::new(Observation::new(gap))).is_err() {
                self.dropped.insert(kind, Dropped { count, from, to });
                return;
            }
            if kind == Kind::Settle {
                let begun = self.settled_unseen.map_or(from, |(begun, _)| begun);
                self.settled_unseen = Some((begun, to));
            }
        }
        self.tell_unseen();
    }

    /// Nobody knows which deliveries the dropped settlements were for. A gap without a count says that any delivery of
    /// that time may be settled.
    fn tell_unseen(&mut self) {
        let Some((from, to)) = self.settled_unseen else { return };
        let cause = "how what was delivered until then was settled is not known: settlements were not recorded";
        let gap = Event::gap(Source::Proxy, (from, to), None, cause);
        if self.recorder.try_record(Box::new(Observation::new(gap))).is_ok() {
            self.settled_unseen = None;
        }
    }

    fn is_told(&self) -> bool {
        self.dropped.is_empty() && self.settled_unseen.is_none()
    }

    /// The same at the end. Waits for room as long as the recorder runs.
    pub(super) fn finish(&mut self) {
        while !self.is_told() && !self.recorder.has_ended() {
            self.tell_dropped();
            std::thread::sleep(PAUSE);
        }
        let lost: u64 = self.dropped.values().map(|dropped| dropped.count).sum();
        if lost > 0 {
            warn!(observations = lost, "lost: hoptrail ended before the journal could take them");
        }
    }
}
