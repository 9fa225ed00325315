//! Events that hoptrail itself has to tell about a tap.

use crate::model::{Event, Source, Str};
use crate::record::Observation;

/// An event about a virtual host that no delivery waits for.
pub(super) fn note(vhost: &Str, event: Event) -> Observation {
    // A source that stopped was observing until now.
    let origin = (event.source != Source::Hoptrail).then(|| (vhost.clone(), event.source));
    Observation { origin, ..Observation::new(Event { vhost: Some(vhost.clone()), ..event }) }
}
