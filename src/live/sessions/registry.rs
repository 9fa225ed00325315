//! The registry of sessions: the table of those that are live, and the counters beside it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::model::{Kind, SessionView, SessionsReport, Side, Str, Timestamp};

use super::counts::{Counts, Passed, Refused, SessionStats};
use super::row::{LiveSession, Row, SessionFigures};

/// Sessions in the table; `proxy.sessions_max` cannot be larger, so this is never met in earnest.
const LIVE_MAX: usize = 65_536;

/// The registry. A cheap handle.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Shared>);

#[derive(Default)]
struct Shared {
    enabled: bool,
    backlog_bytes_max: u64,
    live: Mutex<BTreeMap<u64, LiveSession>>,
    counts: Mutex<Counts>,
    /// Counted for every read from a socket, and so without a lock.
    passed: Passed,
}

impl Sessions {
    /// No session yet. The settings of the proxy are shown beside the figures.
    #[must_use]
    pub fn new(proxy: &config::Proxy) -> Self {
        let shared = Shared { enabled: proxy.enabled, backlog_bytes_max: proxy.backlog_bytes_max, ..Shared::default() };
        Sessions(Arc::new(shared))
    }

    /// A client has connected. `id` is the session's own as long as the process runs.
    pub fn opened(&self, id: u64, address: String, connection: Str, tls: bool, now: Timestamp) {
        self.counts().opened += 1;
        let live = LiveSession::new(address, connection, tls, now);
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

    /// The figures of the session now. Rates need an update each second, and at each change.
    pub fn update(&self, id: u64, figures: SessionFigures, now: Timestamp) {
        if let Some(live) = self.table().get_mut(&id) {
            live.update(figures, now);
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

    /// Bytes that one side sent were passed on.
    pub fn passed(&self, side: Side, bytes: u64) {
        self.0.passed.add(side, bytes);
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
        SessionsReport { at: now, enabled: self.0.enabled, sessions, total }
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
        for LiveSession { figures, .. } in table.values() {
            stats.unconfirmed += figures.unconfirmed;
            stats.unsettled += figures.unsettled;
            let oldest = [stats.oldest_unsettled_at, figures.oldest_unsettled_at];
            stats.oldest_unsettled_at = oldest.into_iter().flatten().min();
        }
        stats
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<u64, LiveSession>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
