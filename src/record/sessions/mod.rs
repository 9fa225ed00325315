//! Who is connected through the proxy, and what the proxy counts: written by the capture, shown as sessions and metrics.
//!
//! Owns the table of live sessions, their rates, and the counters. Takes texts as they are: the capture has them masked
//! before (see [`Recorder::ready`](super::Recorder::ready)). Its lock is held for as long as it takes to write a row, or
//! to copy the rows.

mod counts;
mod rate;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::model::api::{SessionState, SessionView, SessionsReport};
use crate::model::{Kind, Session, Str, Timestamp};

pub use counts::{Backlog, Direction, Refused, SessionStats};
use counts::{Counts, Passed};
use rate::Rate;

/// Sessions in the table; `proxy.sessions_max` cannot be larger, so this is never met in earnest.
const LIVE_MAX: usize = 65_536;

/// The registry. A cheap handle.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Shared>);

#[derive(Default)]
struct Shared {
    enabled: bool,
    backlog_bytes_max: u64,
    live: Mutex<BTreeMap<u64, Live>>,
    counts: Mutex<Counts>,
    /// Counted for every read from a socket, and so without a lock.
    passed: Passed,
}

/// What a session does now, as far as it is observed. Its texts are masked.
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
struct Live {
    address: Str,
    connection: Str,
    broker_connection: Option<Str>,
    tls: bool,
    since: Timestamp,
    figures: SessionFigures,
    rate: Rate,
}

/// A row copied, with its rates: what is left to do needs no lock.
struct Row {
    address: Str,
    connection: Str,
    broker_connection: Option<Str>,
    tls: bool,
    since: Timestamp,
    figures: SessionFigures,
    publish_rate: f64,
    deliver_rate: f64,
}

impl Sessions {
    pub(super) fn new(proxy: &config::Proxy) -> Self {
        let shared = Shared { enabled: proxy.enabled, backlog_bytes_max: proxy.backlog_bytes_max, ..Shared::default() };
        Sessions(Arc::new(shared))
    }

    /// A client has connected. `id` is the session's own as long as the process runs.
    pub fn opened(&self, id: u64, address: String, connection: Str, tls: bool, now: Timestamp) {
        self.counts().opened += 1;
        let figures = SessionFigures::default();
        let rate = Rate::new(now);
        let live =
            Live { address: address.into(), connection, broker_connection: None, tls, since: now, figures, rate };
        let mut table = self.table();
        if table.len() < LIVE_MAX || table.contains_key(&id) {
            table.insert(id, live);
        }
    }

    /// The session goes on to the broker, which knows it by this name.
    pub fn connected(&self, id: u64, broker_connection: String) {
        if let Some(live) = self.table().get_mut(&id) {
            live.broker_connection = Some(broker_connection.into());
        }
    }

    /// What the session does now. Rates are as good as this is frequent: once a second, and when something changed.
    pub fn update(&self, id: u64, figures: SessionFigures, now: Timestamp) {
        if let Some(live) = self.table().get_mut(&id) {
            live.rate.note((figures.published, figures.delivered), now);
            live.figures = figures;
        }
    }

    /// The session has ended.
    pub fn closed(&self, id: u64) {
        self.table().remove(&id);
        self.counts().closed += 1;
    }

    /// A client was not let through.
    pub fn refused(&self, why: Refused) {
        self.counts().refuse(why);
    }

    /// Bytes were passed on.
    pub fn passed(&self, direction: Direction, bytes: u64) {
        self.0.passed.add(direction, bytes);
    }

    /// Observations could not be recorded, because the queue was full.
    pub fn dropped(&self, kind: Kind, count: u64, now: Timestamp) {
        self.counts().drop_observations(kind, count, now);
    }

    /// Bytes were passed on that are not observed, because the backlog was full.
    pub fn unobserved(&self, bytes: u64, now: Timestamp) {
        self.counts().lose_bytes(bytes, now);
    }

    /// Bytes that wait to be observed now.
    pub fn set_backlog(&self, now: u64) {
        self.counts().set_backlog(now);
    }

    /// Every live session, oldest first.
    #[must_use]
    pub fn report(&self, now: Timestamp) -> SessionsReport {
        let mut rows: Vec<Row> = self.table().values().map(|live| live.row(now)).collect();
        // Ids are given in this order, unless the clock was set back.
        rows.sort_by_key(|row| row.since);
        let sessions: Vec<SessionView> = rows.into_iter().map(|row| row.view(now)).collect();
        let total = sessions.len() as u64;
        SessionsReport { at: now.to_string(), enabled: self.0.enabled, sessions, total }
    }

    /// Figures for health and metrics.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        let mut stats = self.counts().stats();
        stats.enabled = self.0.enabled;
        stats.bytes = self.0.passed.totals();
        stats.backlog.max = self.0.backlog_bytes_max;
        let table = self.table();
        stats.live = table.len() as u64;
        for Live { figures, .. } in table.values() {
            stats.unconfirmed += figures.unconfirmed;
            stats.unsettled += figures.unsettled;
            let oldest = [stats.oldest_unsettled_at, figures.oldest_unsettled_at];
            stats.oldest_unsettled_at = oldest.into_iter().flatten().min();
        }
        stats
    }

    /// Observations dropped so far, of any kind.
    pub(super) fn dropped_total(&self) -> u64 {
        self.counts().dropped_total()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<u64, Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn row(&self, now: Timestamp) -> Row {
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
    fn view(self, now: Timestamp) -> SessionView {
        let figures = self.figures;
        let oldest = figures.oldest_unsettled_at;
        SessionView {
            connection: self.connection,
            address: self.address.to_string(),
            broker_connection: self.broker_connection.map(|name| name.to_string()),
            tls: self.tls,
            since: self.since.to_string(),
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
            oldest_unsettled_at: oldest.map(|at| at.to_string()),
            oldest_unsettled_seconds: oldest.map(|at| now.since(at).as_secs_f64()),
            gap: figures.gap.map(|gap| gap.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
