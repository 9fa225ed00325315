//! Journals, and a whole hoptrail without captures, for the tests of questions and of the server.

mod filled;
mod stage;

use crate::model::{Event, Kind, Seq, Source, Timestamp};
use crate::question;

pub(crate) use filled::Filled;
pub(crate) use stage::Stage;

/// An event observed `seq` seconds after the epoch.
pub(crate) fn event(kind: Kind, seq: u64) -> Event {
    let at = Timestamp::from_micros(i64::try_from(seq).unwrap() * 1_000_000);
    Event { seq: Seq(seq), ..Event::new(kind, Source::Binding, at) }
}

/// The search that these parameters ask for.
pub(super) fn asked(query: &str) -> question::Events {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let fields: serde_json::Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
    serde_json::from_value(fields.into()).unwrap()
}
