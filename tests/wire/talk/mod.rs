//! A random conversation of a client and a broker, both keeping to the protocol, and the list of what truly happened.
//!
//! Frames stand in the order in which they are complete at a proxy between the two. What a frame makes happen is
//! decided when it passes: a request that has passed is answered sometime, in order for each channel, and neither side
//! reacts to what has not reached it. Contents of several channels run side by side in both directions.

mod broker;
mod channel;
mod client;
mod ending;
mod login;
mod passing;

use std::collections::BTreeMap;
use std::rc::Rc;

use amq_protocol::protocol::AMQPClass;
use hoptrail::model::{Close, Event, Kind, Session, Side, Str};
use hoptrail::wire::{End, Figures, Limits};

use crate::frames;
use crate::message::Message;
use crate::truth::{self, Truth};
use channel::Channel;
use hoptrail_tests::Rng;

/// Bytes that one side has sent: a frame, or its greeting.
pub struct Frame {
    pub side: Side,
    pub bytes: Vec<u8>,
}

/// A conversation that is over.
pub struct Talk {
    pub connection: Str,
    pub limits: Limits,
    pub frames: Vec<Frame>,
    pub end: End,
    pub truth: Vec<Truth>,
    /// Events of `truth` that are there before the end is told.
    pub told_before_end: usize,
    /// What figures say before the end is told.
    pub figures: Figures,
}

/// A conversation that goes on.
struct Talking {
    rng: Rng,
    session: Session,
    vhost: Option<Str>,
    limits: Limits,
    frames: Vec<Frame>,
    truth: Vec<Truth>,
    payload_max: usize,
    channels: BTreeMap<u16, Channel>,
    /// Messages that went back to their queues.
    given_back: Vec<Rc<Message>>,
    /// One side has sent `connection.close`.
    closed: Option<Close>,
    blocked: bool,
    /// For names that are given once.
    number: u64,
}

/// The conversation of a seed.
pub fn talk(seed: u64) -> Talk {
    let mut rng = Rng::new(&[seed]);
    let body_bytes_max = *rng.pick(&[1 << 20, 1 << 20, 1000, 0]);
    let mut talking = Talking {
        session: Session { connection: Some("10.0.0.7:51234 -> 127.0.0.1:5673".into()), ..Session::default() },
        vhost: None,
        limits: Limits { body_bytes_max, ..Limits::default() },
        frames: Vec::new(),
        truth: Vec::new(),
        payload_max: 4096 - frames::ENVELOPE,
        channels: BTreeMap::new(),
        given_back: Vec::new(),
        closed: None,
        blocked: false,
        number: 0,
        rng,
    };
    talking.log_in();
    for _ in 0..20 + talking.rng.below(400) {
        talking.step();
    }
    talking.finish()
}

impl Talking {
    fn step(&mut self) {
        match self.rng.below(100) {
            0..35 => self.client_step(),
            35..52 => self.pass_on(Side::Client),
            52..78 => self.broker_step(),
            78..97 => self.pass_on(Side::Broker),
            97 => self.push(Side::Client, frames::heartbeat()),
            98 => self.push(Side::Broker, frames::heartbeat()),
            _ => self.alarm(),
        }
    }

    fn push(&mut self, side: Side, bytes: Vec<u8>) {
        self.frames.push(Frame { side, bytes });
    }

    /// A method that passes at once.
    fn say(&mut self, side: Side, channel: u16, method: AMQPClass) {
        self.push(side, frames::method(channel, method));
    }

    fn tell(&mut self, event: Event, content_of: Option<usize>) -> usize {
        self.truth.push(Truth { event, content_of });
        self.truth.len() - 1
    }

    /// An event of this session.
    fn event(&self, kind: Kind, channel: Option<u16>) -> Event {
        let session = Some(Session { channel, ..self.session.clone() });
        Event { vhost: self.vhost.clone(), session, ..truth::event(kind) }
    }

    /// A number that comes once.
    fn fresh(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn message(&mut self) -> Rc<Message> {
        Rc::new(Message::random(&mut self.rng, self.payload_max))
    }

    /// One of the channels that `fits`.
    fn some_channel(&mut self, fits: impl Fn(&Channel) -> bool) -> Option<u16> {
        let fitting: Vec<u16> = self.channels.values().filter(|it| fits(it)).map(|it| it.number).collect();
        if fitting.is_empty() { None } else { Some(*self.rng.pick(&fitting)) }
    }

    fn channel(&mut self, number: u16) -> &mut Channel {
        self.channels.get_mut(&number).expect("a channel that is there")
    }
}
