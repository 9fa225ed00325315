//! Lost sight: sessions that the proxy could not follow to their end, and all sessions that were open when hoptrail was
//! killed. It is not known how such a session settled its deliveries, and nobody can say that it still holds them.
//!
//! Gaps of the proxy without a count report this. A gap of one session says that the session is not followed from the
//! gap's beginning on. A gap without a session says that all sessions ended unseen before its end. Gaps with a count
//! report single losses.

use std::collections::{HashMap, VecDeque};

use crate::model::{Event, Source, Str, Timestamp};

/// Sessions remembered, some megabytes: more than are connected at a time. Of one that is forgotten it is said again that it
/// holds what it had.
const SESSIONS_MAX: usize = 16_384;

/// Since when what is not in sight.
#[derive(Clone, Debug, Default)]
pub(super) struct OutOfSight {
    sessions: HashMap<Str, Timestamp>,
    /// The same, the oldest first.
    order: VecDeque<Str>,
    /// What was delivered before.
    all: Option<Timestamp>,
}

impl OutOfSight {
    /// As the gaps among the events tell.
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut out_of_sight = OutOfSight::default();
        events.into_iter().for_each(|event| out_of_sight.note(event));
        out_of_sight
    }

    /// Takes in an event that may tell of it.
    pub(super) fn note(&mut self, event: &Event) {
        let Some(gap) = event.gap.as_ref().filter(|gap| gap.source == Source::Proxy && gap.count.is_none()) else {
            return;
        };
        match event.session.as_ref().map(|session| &session.connection) {
            None => self.all = self.all.max(Some(gap.to)),
            // Who has no virtual host open has been given nothing: whoever knocks in another protocol is not remembered.
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

    /// What the connection was given at `delivered_at` went out of sight with it. A later connection may have its name.
    pub(super) fn has(&self, connection: Option<&Str>, delivered_at: Timestamp) -> bool {
        let session = connection.and_then(|connection| self.sessions.get(connection).copied());
        self.all.max(session).is_some_and(|since| delivered_at <= since)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sessions.len().max(self.order.len())
    }
}
