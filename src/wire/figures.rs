//! The figures of a session.

use crate::model::{Session, Str, Timestamp};

/// What a session does now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Connection name, user and client name, as far as they are known.
    pub session: Session,
    /// The virtual host opened.
    pub vhost: Option<Str>,
    /// Its virtual host is open.
    pub open: bool,
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
