//! Lost sight: sessions that the proxy could not follow to their end, and all sessions open when hoptrail was killed.
//! The settlements of such a session are not known. It is also not known whether the session still holds its
//! deliveries.
//!
//! Gaps of the proxy without a count report this. A gap of one session says that the session is not followed from the
//! gap's beginning on. A gap without a session says that all sessions ended unseen before its end. Gaps with a count
//! report single losses.

use std::collections::{HashMap, VecDeque};

use crate::model::{Event, Source, Str, Timestamp};

/// Sessions remembered: more than are connected at a time. They take some megabytes. A forgotten session appears again
/// to hold its deliveries.
const SESSIONS_MAX: usize = 16_384;

/// The sessions out of sight, with the times of their loss.
#[derive(Clone, Debug, Default)]
pub(super) struct OutOfSight {
    sessions: HashMap<Str, Timestamp>,
    /// The same sessions, oldest first.
    order: VecDeque<Str>,
    /// All deliveries up to this time are out of sight.
    all: Option<Timestamp>,
}

impl OutOfSight {
    /// The lost sessions, by the gaps among the events.
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut out_of_sight = OutOfSight::default();
        events.into_iter().for_each(|event| out_of_sight.note(event));
        out_of_sight
    }

    /// Takes in an event, which may report a loss.
    pub(super) fn note(&mut self, event: &Event) {
        let Some(gap) = event.gap.as_ref().filter(|gap| gap.source == Source::Proxy && gap.count.is_none()) else {
            return;
        };
        match event.session.as_ref().map(|session| &session.connection) {
            None => self.all = self.all.max(Some(gap.to)),
            // A session without an open virtual host has no deliveries. So a client of another protocol is not
            // remembered.
            Some(Some(connection)) if event.vhost.is_some() => self.lose(connection, gap.from),
            Some(_) => {}
        }
    }

    fn lose(&mut self, connection: &Str, since: Timestamp) {
        if let Some(known) = self.sessions.get_mut(connection) {
            *known = since.max(*known);
            return;
        }
        self.sessions.insert(connection.clone(), since);
        self.order.push_back(connection.clone());
        while self.order.len() > SESSIONS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.sessions.remove(&oldest);
        }
    }

    /// A delivery to the connection at `delivered_at` is out of sight. A later connection may have the same name.
    pub(super) fn has(&self, connection: Option<&Str>, delivered_at: Timestamp) -> bool {
        let session = connection.and_then(|connection| self.sessions.get(connection).copied());
        self.all.max(session).is_some_and(|since| delivered_at <= since)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sessions.len().max(self.order.len())
    }
}
