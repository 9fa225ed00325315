//! One session, observed: the bytes of both directions in the order in which they passed, into events.

use crate::model::{Event, Link, Party, Session, Str, Timestamp};

/// The direction of bytes: who sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client, to the broker.
    Client,
    /// The broker, to the client.
    Broker,
}

/// An event, and its part in handing on the keys of its message.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The event.
    pub event: Event,
    /// See [`Link`].
    pub link: Option<Link>,
}

/// What a session does now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Connection name, user and client name, as far as they are known.
    pub session: Session,
    /// The virtual host opened.
    pub vhost: Option<Str>,
    /// Open channels.
    pub channels: usize,
    /// Messages published.
    pub published: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Publishes without their confirm.
    pub unconfirmed: usize,
    /// Deliveries without their settlement.
    pub unsettled: usize,
    /// When the oldest of them was delivered.
    pub oldest_unsettled_at: Option<Timestamp>,
    /// `connection.blocked` is in force.
    pub blocked: bool,
    /// One side has sent `connection.close`.
    pub closing: bool,
    /// Why not all of it is observed.
    pub gap: Option<Str>,
    /// Nothing more of it is observed.
    pub blind: bool,
}

/// How a session's connections ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Who ended it first, where the protocol did not say so.
    pub by: Party,
    /// What was seen of it, in words.
    pub text: Str,
}
