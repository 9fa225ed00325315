//! The figures of a session.

use crate::model::{Session, Str, Timestamp};

/// The current figures of a session.
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
    /// The time of the oldest delivery without its settlement.
    pub oldest_unsettled_at: Option<Timestamp>,
    /// `connection.blocked` is in force.
    pub blocked: bool,
    /// One side has sent `connection.close`.
    pub closing: bool,
    /// The reason why not all of the session is observed.
    pub gap: Option<Str>,
    /// Nothing more of the session is observed.
    pub blind: bool,
}
