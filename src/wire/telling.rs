//! The tools for telling a session: the time, its common state, and the recipient of its events.

use super::held::Held;
use super::holes::Why;
use super::observed::{Observed, Sink};
use super::scene::Scene;
use crate::model::{Close, Event, Kind, Settlement, Timestamp};

/// One moment of a session.
pub(super) struct Telling<'a> {
    pub(super) at: Timestamp,
    pub(super) scene: &'a mut Scene,
    pub(super) out: &'a mut dyn Sink,
}

impl Telling<'_> {
    /// An event of a channel, at this moment.
    pub(super) fn event(&self, kind: Kind, channel: u16) -> Event {
        self.scene.event(kind, Some(channel), self.at)
    }

    /// Hands an event on.
    pub(super) fn push(&mut self, observed: Observed) {
        self.out.push(observed);
    }

    /// Notes that something passes unobserved.
    pub(super) fn miss(&mut self, channel: u16, why: Why) {
        self.scene.holes.note(channel, why, self.at);
    }

    /// One event for each of several deliveries or publishes of a channel.
    pub(super) fn each(
        &mut self,
        channel: u16,
        held: Vec<(u64, Held)>,
        kind: Kind,
        how: Settlement,
        close: Option<&Close>,
    ) {
        for (tag, held) in held {
            let event = self.event(kind, channel);
            let mut observed = held.becomes(event, Some(tag), how);
            observed.event.close = close.cloned();
            self.push(observed);
        }
    }
}
