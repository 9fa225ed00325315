//! The state that all channels of a session share: its client, repeated names, counts, and observations without room.

use super::consumers::CONSUMER_BYTES;
use super::content::UNFINISHED_BYTES;
use super::held::HELD_BYTES;
use super::holes::Holes;
use super::limits::Limits;
use super::names::Names;
use crate::model::{Event, Kind, Session, Source, Str, Timestamp};

/// The session's common state.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) limits: Limits,
    pub(super) session: Session,
    pub(super) vhost: Option<Str>,
    pub(super) names: Names,
    pub(super) holes: Holes,
    pub(super) published: u64,
    pub(super) delivered: u64,
    /// Over all channels.
    pub(super) unsettled: usize,
    pub(super) unconfirmed: usize,
    pub(super) consumers: usize,
    pub(super) unfinished: usize,
    /// Bytes of bodies that wait for their rest or for a commit.
    pub(super) bytes: usize,
}

impl Scene {
    pub(super) fn new(limits: Limits, connection: Str) -> Self {
        Scene {
            limits,
            session: Session { connection: Some(connection), ..Session::default() },
            vhost: None,
            names: Names::default(),
            holes: Holes::default(),
            published: 0,
            delivered: 0,
            unsettled: 0,
            unconfirmed: 0,
            consumers: 0,
            unfinished: 0,
            bytes: 0,
        }
    }

    /// An event of this session.
    pub(super) fn event(&self, kind: Kind, channel: Option<u16>, at: Timestamp) -> Event {
        let mut event = Event::new(kind, Source::Proxy, at);
        event.vhost = self.vhost.clone();
        event.session = Some(Session { channel, ..self.session.clone() });
        event
    }

    /// Bytes that the session takes, roughly.
    pub(super) fn taken(&self) -> usize {
        let held = (self.unsettled + self.unconfirmed) * HELD_BYTES;
        held + self.consumers * CONSUMER_BYTES + self.unfinished * UNFINISHED_BYTES + self.bytes
    }
}
