//! Events that hoptrail itself has to tell: gaps, and changes of what it observes.

use crate::model::{Event, Gap, Kind, Source, Str, Timestamp, Topology};
use crate::record::Observation;

/// Something of `source` was not observed.
pub(super) fn gap(
    source: Source,
    vhost: &Str,
    from: Timestamp,
    to: Timestamp,
    count: Option<u64>,
    cause: &str,
) -> Event {
    let mut event = Event::new(Kind::Gap, Source::Hoptrail, to);
    event.vhost = Some(vhost.clone());
    event.gap = Some(Gap { source, from: from.min(to), to, count, cause: cause.into() });
    event
}

/// Something about the tap changed.
pub(super) fn topology(source: Source, vhost: &Str, change: &str, detail: &str, at: Timestamp) -> Event {
    let mut event = Event::new(Kind::Topology, source, at);
    event.vhost = Some(vhost.clone());
    event.topology = Some(Topology { change: change.into(), detail: detail.into() });
    event
}

/// An event that no delivery waits for.
pub(super) fn observation(event: Event) -> Observation {
    // A source that stopped was observing until now.
    let origin = event.vhost.clone().filter(|_| event.source != Source::Hoptrail).map(|vhost| (vhost, event.source));
    Observation { origin, ..Observation::new(event) }
}
