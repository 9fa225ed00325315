//! A followed session: its login, its channels, and its end.

use std::collections::BTreeMap;

use super::channel::Channel;
use super::frame::Piece;
use super::holes::Why;
use super::limits::Limits;
use super::login;
use super::method::Method;
use super::scene::Scene;
use super::table::text;
use super::telling::Telling;
use super::{End, Observed, Sink};
use crate::model::{Close, Event, Kind, Party, Side, Str, Timestamp, Topology};

/// Bytes of a channel, besides the parts that are counted by themselves. The map of channels has room for more than it
/// holds.
const CHANNEL_BYTES: usize = 2 * size_of::<Channel>();

/// The observed state of a session.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) scene: Scene,
    pub(super) channels: BTreeMap<u16, Channel>,
    pub(super) blocked: bool,
    /// The virtual host that the client wants to open.
    asked_vhost: Option<Str>,
    /// The largest frame that the client wants.
    asked_frame_max: Option<u32>,
    /// A `session_open` event has told the session.
    opened: bool,
    /// The close by one side.
    pub(super) closing: Option<Close>,
    /// Every channel has ended with the session.
    released: bool,
    /// The agreed largest frame, until the observer takes it from here.
    pub(super) agreed_frame_max: Option<u32>,
}

impl Followed {
    pub(super) fn new(limits: Limits, connection: Str) -> Self {
        Followed {
            scene: Scene::new(limits, connection),
            channels: BTreeMap::new(),
            blocked: false,
            asked_vhost: None,
            asked_frame_max: None,
            opened: false,
            closing: None,
            released: false,
            agreed_frame_max: None,
        }
    }

    pub(super) fn piece(&mut self, side: Side, piece: Piece<'_>, at: Timestamp, out: &mut dyn Sink) {
        let scene = &mut self.scene;
        match piece {
            Piece::Method { channel, payload } => match Method::read(payload) {
                Ok(Method::Other) => {}
                // After a close, only its answer and the broker's methods on channels count.
                Ok(method) if self.closing.is_some() => self.good_bye(side, channel, method, at, out),
                Ok(method) if channel == 0 => self.connection(side, method, at, out),
                // A client that has not been let in opens and publishes nothing by its methods.
                Ok(_) if !self.opened => scene.holes.note(channel, Why::Malformed, at),
                Ok(method) => self.on_channel(side, channel, method, at, out),
                Err(_) => scene.holes.note(channel, Why::Malformed, at),
            },
            Piece::Header { channel, payload } => {
                if let Some(known) = self.channels.get_mut(&channel) {
                    known.header(side, payload, &mut Telling { at, scene, out });
                }
            }
            Piece::Body { channel, bytes, to_come } => {
                if let Some(known) = self.channels.get_mut(&channel) {
                    known.body(side, bytes, to_come, &mut Telling { at, scene, out });
                }
            }
            Piece::TooLarge { channel, .. } => scene.holes.note(channel, Why::TooLarge, at),
            Piece::Heartbeat => {}
        }
    }

    fn connection(&mut self, side: Side, method: Method<'_>, at: Timestamp, out: &mut dyn Sink) {
        match (side, method) {
            (Side::Client, Method::StartOk { client_properties, mechanism, response }) => {
                self.scene.session.user = login::user(mechanism, response);
                self.scene.session.client_name = login::client_name(client_properties);
            }
            (Side::Client, Method::TuneOk { frame_max }) => self.asked_frame_max = Some(frame_max),
            (Side::Client, Method::Open { vhost }) => self.asked_vhost = Some(text(vhost)),
            (Side::Broker, Method::OpenOk) => {
                // Before the broker's answer, the virtual host is only the client's claim.
                self.scene.vhost = self.asked_vhost.take();
                self.agreed_frame_max = self.asked_frame_max.take();
                self.open(at, out);
            }
            (Side::Broker, Method::Blocked { reason }) if self.opened => {
                self.blocked = true;
                let detail = format!("the broker takes nothing from this session for now: {}", text(reason));
                out.push(self.change("connection.blocked", &detail, at));
            }
            (Side::Broker, Method::Unblocked) if self.opened => {
                self.blocked = false;
                out.push(self.change("connection.unblocked", "the broker takes messages again", at));
            }
            (_, Method::ConnectionClose { code, text: reason }) => {
                let by = Party::from(side);
                self.closing = Some(Close { by, code: Some(code), text: text(reason), unsettled: 0 });
                // A close by the broker takes effect at once; a close by the client takes effect with the broker's
                // answer.
                if by == Party::Broker {
                    self.release(at, out);
                }
            }
            _ => {}
        }
    }

    /// While a close waits for its answer, the broker may still deliver.
    fn good_bye(&mut self, side: Side, channel: u16, method: Method<'_>, at: Timestamp, out: &mut dyn Sink) {
        match (side, method) {
            (Side::Broker, Method::ConnectionCloseOk) => self.release(at, out),
            (Side::Broker, method) if channel > 0 && !self.released => self.on_channel(side, channel, method, at, out),
            _ => {}
        }
    }

    fn on_channel(&mut self, side: Side, number: u16, method: Method<'_>, at: Timestamp, out: &mut dyn Sink) {
        let telling = &mut Telling { at, scene: &mut self.scene, out };
        if side == Side::Client && method == Method::ChannelOpen {
            let ended =
                Close { by: Party::Client, code: None, text: "the channel was opened again".into(), unsettled: 0 };
            if let Some(mut before) = self.channels.remove(&number) {
                before.end(&ended, telling);
            }
            let limits = &telling.scene.limits;
            if self.channels.len() >= limits.channels_max || !limits.room.is_left() {
                return telling.miss(number, Why::Channels);
            }
            self.channels.insert(number, Channel::new(number));
            return;
        }
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match method {
            Method::ChannelClose { code, text } => channel.close(side, code, text, telling),
            // An answer without a close ends nothing.
            Method::ChannelCloseOk if !channel.is_closing() => {}
            Method::ChannelCloseOk => {
                channel.closed(telling);
                self.channels.remove(&number);
            }
            method => channel.method(side, method, telling),
        }
    }

    /// Tells once that the session is there.
    pub(super) fn open(&mut self, at: Timestamp, out: &mut dyn Sink) {
        if !self.opened {
            self.opened = true;
            out.push(Observed { event: self.scene.event(Kind::SessionOpen, None, at), link: None });
        }
    }

    fn change(&self, change: &str, detail: &str, at: Timestamp) -> Observed {
        let mut event: Event = self.scene.event(Kind::Topology, None, at);
        event.topology = Some(Topology { change: change.into(), detail: detail.into() });
        Observed { event, link: None }
    }

    /// Ends all channels.
    fn release(&mut self, at: Timestamp, out: &mut dyn Sink) {
        let Some(close) = &mut self.closing else { return };
        if self.released {
            return;
        }
        self.released = true;
        close.unsettled = self.scene.unsettled as u64;
        let telling = &mut Telling { at, scene: &mut self.scene, out };
        for channel in self.channels.values_mut() {
            channel.end(close, telling);
        }
        self.channels.clear();
    }

    /// Bytes that the session takes, roughly.
    pub(super) fn taken(&self) -> usize {
        self.channels.len() * CHANNEL_BYTES + self.scene.taken()
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened && self.scene.vhost.is_some()
    }

    /// Follows nothing more, and drops the remembered state.
    pub(super) fn forget(&mut self) {
        self.channels.clear();
        let Scene { session, vhost, published, delivered, limits, .. } = &self.scene;
        let mut scene = Scene::new(limits.clone(), session.connection.clone().unwrap_or_default());
        (scene.session, scene.vhost) = (session.clone(), vhost.clone());
        (scene.published, scene.delivered) = (*published, *delivered);
        self.scene = scene;
    }

    /// The connections have ended.
    pub(super) fn end(&mut self, end: End, at: Timestamp, out: &mut dyn Sink) {
        self.open(at, out);
        self.closing.get_or_insert(Close { by: end.by, code: None, text: end.text, unsettled: 0 });
        self.release(at, out);
        self.scene.tell_holes(true, at, out);
        let mut event = self.scene.event(Kind::SessionClose, None, at);
        event.close = self.closing.clone();
        out.push(Observed { event, link: None });
    }
}
