//! A row of the table: one live session, and how it is shown.

use crate::model::{Session, SessionState, SessionView, Str, Timestamp};

use super::rate::Rate;

/// The figures of a session now, as far as it is observed. Its texts are masked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionFigures {
    /// Connection name, user and client name, as far as they are known.
    pub session: Session,
    /// The business system, by the rules.
    pub service: Option<Str>,
    /// The virtual host opened.
    pub vhost: Option<Str>,
    /// Open channels.
    pub channels: u64,
    /// Messages published since it connected.
    pub published: u64,
    /// Messages delivered since it connected.
    pub delivered: u64,
    /// Publishes without their confirm.
    pub unconfirmed: u64,
    /// Deliveries without their settlement.
    pub unsettled: u64,
    /// When the oldest of them was delivered.
    pub oldest_unsettled_at: Option<Timestamp>,
    /// Bytes from the client since it connected.
    pub bytes_from_client: u64,
    /// Bytes from the broker since it connected.
    pub bytes_from_broker: u64,
    /// Where it stands.
    pub state: SessionState,
    /// Why not all of it is observed.
    pub gap: Option<Str>,
}

/// A row of the table.
pub(super) struct LiveSession {
    address: Str,
    connection: Str,
    pub(super) broker_connection: Option<Str>,
    tls: bool,
    since: Timestamp,
    pub(super) figures: SessionFigures,
    rate: Rate,
}

/// A copy of a row, with its rates: the rest of the work needs no lock.
pub(super) struct Row {
    address: Str,
    connection: Str,
    broker_connection: Option<Str>,
    tls: bool,
    pub(super) since: Timestamp,
    figures: SessionFigures,
    publish_rate: f64,
    deliver_rate: f64,
}

impl LiveSession {
    pub(super) fn new(address: String, connection: Str, tls: bool, now: Timestamp) -> Self {
        LiveSession {
            address: address.into(),
            connection,
            broker_connection: None,
            tls,
            since: now,
            figures: SessionFigures::default(),
            rate: Rate::new(now),
        }
    }

    pub(super) fn update(&mut self, figures: SessionFigures, now: Timestamp) {
        self.rate.note((figures.published, figures.delivered), now);
        self.figures = figures;
    }

    pub(super) fn row(&self, now: Timestamp) -> Row {
        let (publish_rate, deliver_rate) = self.rate.per_second((self.figures.published, self.figures.delivered), now);
        Row {
            address: self.address.clone(),
            connection: self.connection.clone(),
            broker_connection: self.broker_connection.clone(),
            tls: self.tls,
            since: self.since,
            figures: self.figures.clone(),
            publish_rate,
            deliver_rate,
        }
    }
}

impl Row {
    pub(super) fn view(self, now: Timestamp) -> SessionView {
        let figures = self.figures;
        let oldest = figures.oldest_unsettled_at;
        SessionView {
            connection: self.connection,
            address: self.address.to_string(),
            broker_connection: self.broker_connection.map(|name| name.to_string()),
            tls: self.tls,
            since: self.since,
            state: figures.state,
            service: figures.service,
            user: figures.session.user,
            client_name: figures.session.client_name,
            vhost: figures.vhost,
            channels: figures.channels,
            published: figures.published,
            delivered: figures.delivered,
            publish_rate: self.publish_rate,
            deliver_rate: self.deliver_rate,
            bytes_from_client: figures.bytes_from_client,
            bytes_from_broker: figures.bytes_from_broker,
            unconfirmed: figures.unconfirmed,
            unsettled: figures.unsettled,
            oldest_unsettled_at: oldest,
            oldest_unsettled: oldest.map(|at| now.since(at)),
            gap: figures.gap.map(|gap| gap.to_string()),
        }
    }
}
