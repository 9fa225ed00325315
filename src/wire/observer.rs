//! One observed session: turns the bytes of both directions, in the order in which they passed, into events.

use super::end::End;
use super::figures::Figures;
use super::frame::Splitter;
use super::limits::Limits;
use super::login::{self, Collector, Greeting};
use super::observed::{Observed, Sink};
use super::session::Followed;
use crate::model::{Side, Str, Timestamp};

/// Follows one session. It takes any bytes, in any pieces, and never panics. [`Limits`] bounds its memory.
#[derive(Debug)]
pub struct Observer {
    stage: Stage,
    client: Splitter,
    broker: Splitter,
    followed: Followed,
    /// The bytes that it has taken of [`Limits::room`].
    taken: usize,
}

#[derive(Debug)]
enum Stage {
    /// The client's protocol header has not come in full.
    Greeting(Collector),
    Frames,
    /// Nothing more can be followed, since this time and for this reason.
    Blind(Timestamp, Str),
}

impl Observer {
    /// A session that has connected; `connection` is its name in events.
    #[must_use]
    pub fn new(limits: Limits, connection: Str) -> Observer {
        Observer {
            stage: Stage::Greeting(Collector::default()),
            client: Splitter::new(login::FRAME_MAX),
            broker: Splitter::new(login::FRAME_MAX),
            followed: Followed::new(limits, connection),
            taken: 0,
        }
    }

    /// Takes the next bytes of one side, which passed at `at`. The bytes of a request must come before the bytes of its
    /// answer from the other side.
    pub fn feed(&mut self, side: Side, bytes: &[u8], at: Timestamp, out: &mut dyn Sink) {
        let mut input = bytes;
        if let (Stage::Greeting(collector), Side::Client) = (&mut self.stage, side) {
            match collector.take(&mut input) {
                None => return,
                Some(Greeting::Amqp091) => self.stage = Stage::Frames,
                Some(Greeting::OtherAmqp { major, minor, .. }) => {
                    let cause = format!("it speaks AMQP {major}.{minor}, which passes and is not read");
                    return self.blind(&cause, at, out);
                }
                Some(Greeting::NotAmqp) => return self.blind("it does not speak AMQP", at, out),
            }
        }
        if !matches!(self.stage, Stage::Frames) {
            return;
        }
        let is_short = !self.followed.scene.limits.room.is_left();
        self.client.set_short(is_short);
        self.broker.set_short(is_short);
        self.frames(side, input, at, out);
        self.followed.scene.tell_holes(false, at, out);
        self.account();
    }

    fn frames(&mut self, side: Side, mut input: &[u8], at: Timestamp, out: &mut dyn Sink) {
        loop {
            let splitter = if side == Side::Client { &mut self.client } else { &mut self.broker };
            match splitter.next(&mut input) {
                None => return,
                Some(Ok(piece)) => self.followed.piece(side, piece, at, out),
                Some(Err(broken)) => {
                    let from = if side == Side::Client { "the client" } else { "the broker" };
                    return self.blind(&format!("from {from} came {broken}"), at, out);
                }
            }
            if let Some(frame_max) = self.followed.agreed_frame_max.take() {
                self.client.set_frame_max(frame_max);
                self.broker.set_frame_max(frame_max);
            }
        }
    }

    /// Notes bytes that passed and cannot be handed over. The start of the next frame is not known after them.
    pub fn lost(&mut self, bytes: u64, at: Timestamp, out: &mut dyn Sink) {
        if !matches!(self.stage, Stage::Blind(..)) {
            self.blind(&format!("{bytes} bytes passed while there was no room for them"), at, out);
        }
    }

    /// Gives up, and tells so: nothing more is observed until the session ends.
    fn blind(&mut self, cause: &str, at: Timestamp, out: &mut dyn Sink) {
        let cause = format!("from here to its end it is not observed: {cause}");
        let followed = &mut self.followed;
        followed.open(at, out);
        followed.scene.tell_holes(true, at, out);
        out.push(Observed { event: followed.scene.gap(&cause, None, (at, at), None), link: None });
        followed.forget();
        (self.client, self.broker) = (Splitter::new(login::FRAME_MAX), Splitter::new(login::FRAME_MAX));
        self.stage = Stage::Blind(at, cause.into());
        self.account();
    }

    /// The session's connections have ended. A client that came and went without a byte leaves no trace.
    pub fn end(&mut self, end: End, at: Timestamp, out: &mut dyn Sink) {
        if matches!(&self.stage, Stage::Greeting(collector) if collector.is_empty()) {
            return;
        }
        if let Stage::Blind(since, cause) = &self.stage {
            let gap = self.followed.scene.gap(cause, None, (*since, at), None);
            out.push(Observed { event: gap, link: None });
        }
        self.followed.end(end, at, out);
        self.account();
    }

    fn account(&mut self) {
        let now = self.followed.taken() + self.client.taken() + self.broker.taken();
        self.followed.scene.limits.room.account(self.taken, now);
        self.taken = now;
    }

    #[cfg(test)]
    pub(super) fn limits_mut(&mut self) -> &mut Limits {
        &mut self.followed.scene.limits
    }

    /// The current figures of the session.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let Followed { scene, channels, blocked, closing, .. } = &self.followed;
        let blind = match &self.stage {
            Stage::Blind(_, cause) => Some(cause.clone()),
            _ => None,
        };
        Figures {
            session: scene.session.clone(),
            vhost: scene.vhost.clone(),
            open: self.followed.is_open(),
            channels: channels.len(),
            published: scene.published,
            delivered: scene.delivered,
            unconfirmed: scene.unconfirmed,
            unsettled: scene.unsettled,
            oldest_unsettled_at: channels.values().filter_map(|channel| channel.oldest_unsettled_at()).min(),
            blocked: *blocked,
            closing: closing.is_some(),
            blind: blind.is_some(),
            gap: blind.or_else(|| scene.holes.newest().map(Str::from)),
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.followed.scene.limits.room.account(self.taken, 0);
    }
}
