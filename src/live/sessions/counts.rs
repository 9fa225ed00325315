//! The proxy's counters since the start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Kind, Side, Timestamp, named};

named! {
    /// Why a client was not let through.
    Refused {
        /// The user `guest` from another machine.
        Guest = "guest",
        /// There were `proxy.sessions_max` already.
        TooMany = "too_many",
        /// None of the broker's addresses could be reached.
        BrokerUnreachable = "broker_unreachable",
        /// Its connection had broken before anything was sent.
        ClientGone = "client_gone",
        /// TLS with the client, or with the broker, could not be agreed upon.
        Tls = "tls",
        /// hoptrail is about to stop.
        Draining = "draining",
    }
}

/// Bytes that passed and wait to be observed. Packed bytes count as packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Now.
    pub now: u64,
    /// The most since the start.
    pub peak: u64,
    /// How many there may be: `proxy.backlog_bytes_max`.
    pub max: u64,
}

/// Figures of the proxy since the start, and of the sessions that are live.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionStats {
    /// The proxy is switched on.
    pub enabled: bool,
    /// Sessions now.
    pub live: u64,
    /// Sessions opened.
    pub opened: u64,
    /// Sessions closed.
    pub closed: u64,
    /// Clients that were not let through, for each reason there is.
    pub refused: Vec<(Refused, u64)>,
    /// Bytes passed on, by the side that sent them.
    pub bytes: Vec<(Side, u64)>,
    /// Observations dropped because the queue was full, by kind.
    pub dropped: Vec<(Kind, u64)>,
    /// Bytes passed on but not observed, because the backlog was full.
    pub unobserved_bytes: u64,
    /// When something was last dropped or not observed.
    pub last_loss_at: Option<Timestamp>,
    /// Bytes that wait to be observed.
    pub backlog: Backlog,
    /// Publishes of live sessions without their confirm.
    pub unconfirmed: u64,
    /// Deliveries of live sessions without their settlement.
    pub unsettled: u64,
    /// When the oldest of them was delivered.
    pub oldest_unsettled_at: Option<Timestamp>,
}

impl SessionStats {
    /// Observations dropped, of any kind.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) opened: u64,
    pub(super) closed: u64,
    refused: BTreeMap<Refused, u64>,
    dropped: BTreeMap<Kind, u64>,
    unobserved_bytes: u64,
    last_loss_at: Option<Timestamp>,
    backlog: Backlog,
}

impl Counts {
    pub(super) fn refuse(&mut self, why: Refused) {
        *self.refused.entry(why).or_default() += 1;
    }

    pub(super) fn drop_observations(&mut self, kind: Kind, count: u64, now: Timestamp) {
        *self.dropped.entry(kind).or_default() += count;
        self.last_loss_at = Some(now);
    }

    pub(super) fn lose_bytes(&mut self, bytes: u64, now: Timestamp) {
        self.unobserved_bytes += bytes;
        self.last_loss_at = Some(now);
    }

    pub(super) fn set_backlog(&mut self, now: u64) {
        self.backlog = Backlog { now, peak: self.backlog.peak.max(now), max: 0 };
    }

    /// Without the live sessions, the bytes and the settings, which others add.
    pub(super) fn stats(&self) -> SessionStats {
        let refused = |why: &Refused| (*why, self.refused.get(why).copied().unwrap_or_default());
        SessionStats {
            opened: self.opened,
            closed: self.closed,
            refused: Refused::ALL.iter().map(refused).collect(),
            dropped: self.dropped.iter().map(|(kind, count)| (*kind, *count)).collect(),
            unobserved_bytes: self.unobserved_bytes,
            last_loss_at: self.last_loss_at,
            backlog: self.backlog,
            ..SessionStats::default()
        }
    }
}

/// Bytes passed on.
#[derive(Default)]
pub(super) struct Passed {
    from_client: AtomicU64,
    from_broker: AtomicU64,
}

impl Passed {
    pub(super) fn add(&self, side: Side, bytes: u64) {
        let counter = match side {
            Side::Client => &self.from_client,
            Side::Broker => &self.from_broker,
        };
        counter.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> Vec<(Side, u64)> {
        vec![
            (Side::Client, self.from_client.load(Ordering::Relaxed)),
            (Side::Broker, self.from_broker.load(Ordering::Relaxed)),
        ]
    }
}
