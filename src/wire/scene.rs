//! The state that all channels of a session share: its client, repeated names, counts, and observations without room.

use super::holes::Holes;
use super::limits::{CONSUMER_BYTES, HELD_BYTES, Limits, UNFINISHED_BYTES};
use super::names::Names;
use super::observed::{Observed, Sink};
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
    /// This count and the next three cover all channels.
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

    /// Tells the holes that are due; `all` of them at the end.
    pub(super) fn tell_holes(&mut self, all: bool, at: Timestamp, out: &mut dyn Sink) {
        if self.holes.is_empty() {
            return;
        }
        let mut holes = std::mem::take(&mut self.holes);
        holes.tell(all, at, |channel, hole, cause| {
            let cause = format!("on channel {channel}, {} {cause}", hole.count);
            let gap = self.gap(&cause, Some(channel), (hole.from, hole.to), Some(hole.count));
            out.push(Observed { event: gap, link: None });
        });
        self.holes = holes;
    }

    /// A gap in the observation of this session. A gap without a count says that nothing more of it is known.
    pub(super) fn gap(
        &self,
        cause: &str,
        channel: Option<u16>,
        (from, to): (Timestamp, Timestamp),
        count: Option<u64>,
    ) -> Event {
        let Event { vhost, session, .. } = self.event(Kind::Gap, channel, to);
        let name = self.session.connection.as_deref().unwrap_or_default();
        let cause = format!("session {name}: {cause}");
        Event { vhost, session, ..Event::gap(Source::Proxy, (from, to), count, cause) }
    }

    /// There is room to hold one more delivery.
    pub(super) fn may_hold_delivery(&self) -> bool {
        self.unsettled < self.limits.unsettled_max && self.limits.room.is_left()
    }

    /// There is room to hold one more publish.
    pub(super) fn may_hold_publish(&self) -> bool {
        self.unconfirmed < self.limits.unconfirmed_max && self.limits.room.is_left()
    }

    /// There is room for one more consumer, or for one more request for a consumer.
    pub(super) fn may_hold_consumer(&self) -> bool {
        self.consumers < self.limits.consumers_max && self.limits.room.is_left()
    }

    /// Bytes that the session takes, roughly.
    pub(super) fn taken(&self) -> usize {
        let held = (self.unsettled + self.unconfirmed) * HELD_BYTES;
        held + self.consumers * CONSUMER_BYTES + self.unfinished * UNFINISHED_BYTES + self.bytes
    }
}
