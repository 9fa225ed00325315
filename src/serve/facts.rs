//! What the server asks of the rest of the program, in one place.
//!
//! [`Services`] answers from the running program; the tests answer from a list of events.

use std::ops::Range;
use std::time::Duration;

use crate::alert::Alerts;
use crate::flow::{Flow, StalledQuery};
use crate::journal::{OpenError, Order, ReadError, Reader, Statistics, Term};
use crate::live::{Live, SessionStats};
use crate::model::api::{AlertsReport, SessionsReport, SourceCoverage, StalledReport, Trail};
use crate::model::{Event, MessageKey, Seq, Timestamp};
use crate::record::{Recorder, Stats};

/// The handles that questions are answered from.
#[derive(Clone)]
pub struct Services {
    /// Committed events.
    pub reader: Reader,
    /// Trails and stalls.
    pub flow: Flow,
    /// Firing and recent alerts.
    pub alerts: Alerts,
    /// The writer's figures.
    pub recorder: Recorder,
    /// The list of sources, the sessions, and the proxy's figures.
    pub live: Live,
    /// A request must be answered within this time (`serve.request_timeout`).
    pub request_timeout: Duration,
}

/// The journal could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub(super) String);

impl From<ReadError> for Unreadable {
    fn from(error: ReadError) -> Self {
        Unreadable(error.to_string())
    }
}

impl From<OpenError> for Unreadable {
    fn from(error: OpenError) -> Self {
        Unreadable(error.to_string())
    }
}

/// Events read one after the other.
pub(super) type Events<'a> = Box<dyn Iterator<Item = Result<Event, Unreadable>> + 'a>;

/// Everything that an answer is made of. All of it may block on the disk.
pub(super) trait Facts: Send + Sync + 'static {
    /// The first event that is kept.
    fn first_seq(&self) -> Seq;
    /// The newest event; 0 where there is none.
    fn last_seq(&self) -> Seq;
    /// One event.
    fn event(&self, seq: Seq) -> Result<Option<Event>, Unreadable>;
    /// The first event not earlier than `at`.
    fn seq_at(&self, at: Timestamp) -> Result<Seq, Unreadable>;
    /// The events of a range: those that carry the term, or all.
    fn read(&self, term: Option<&Term>, range: Range<Seq>, order: Order) -> Events<'_>;
    /// What was recorded, partition by partition, oldest first.
    fn statistics(&self) -> Result<Vec<Statistics>, Unreadable>;
    /// The journal's size.
    fn disk_bytes(&self) -> u64;
    /// An order's trail.
    fn order(&self, id: &str, now: Timestamp) -> Result<Option<Trail>, Unreadable>;
    /// A message's trail.
    fn message(&self, key: &MessageKey, now: Timestamp) -> Result<Option<Trail>, Unreadable>;
    /// What is past its deadline.
    fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport;
    /// Committed events that trails and stalls do not know of yet.
    fn lag(&self) -> u64;
    /// Messages followed, orders followed, and how many were let go.
    fn tracked(&self) -> (usize, usize, u64);
    /// Firing and recent alerts.
    fn alerts(&self) -> AlertsReport;
    /// Notifications sent, and failed.
    fn notifications(&self) -> (u64, u64);
    /// What each source observes.
    fn sources(&self) -> Vec<SourceCoverage>;
    /// Who is connected through the proxy.
    fn sessions(&self, now: Timestamp) -> SessionsReport;
    /// The proxy's figures.
    fn proxy(&self) -> SessionStats;
    /// The writer's figures.
    fn stats(&self) -> Stats;
}

impl Facts for Services {
    fn first_seq(&self) -> Seq {
        self.reader.first_seq()
    }

    fn last_seq(&self) -> Seq {
        self.reader.last_seq()
    }

    fn event(&self, seq: Seq) -> Result<Option<Event>, Unreadable> {
        Ok(self.reader.event(seq)?)
    }

    fn seq_at(&self, at: Timestamp) -> Result<Seq, Unreadable> {
        Ok(self.reader.seq_at(at)?)
    }

    fn read(&self, term: Option<&Term>, range: Range<Seq>, order: Order) -> Events<'_> {
        match term {
            Some(term) => Box::new(self.reader.find(term, range, order).map(|event| Ok(event?))),
            None => Box::new(self.reader.scan(range, order).map(|event| Ok(event?))),
        }
    }

    fn statistics(&self) -> Result<Vec<Statistics>, Unreadable> {
        Ok(self.reader.statistics()?)
    }

    fn disk_bytes(&self) -> u64 {
        self.reader.disk_bytes()
    }

    fn order(&self, id: &str, now: Timestamp) -> Result<Option<Trail>, Unreadable> {
        Ok(self.flow.order(id, now)?)
    }

    fn message(&self, key: &MessageKey, now: Timestamp) -> Result<Option<Trail>, Unreadable> {
        Ok(self.flow.message(key, now)?)
    }

    fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport {
        self.flow.stalled(query, now)
    }

    fn lag(&self) -> u64 {
        self.flow.lag()
    }

    fn tracked(&self) -> (usize, usize, u64) {
        self.flow.tracked()
    }

    fn alerts(&self) -> AlertsReport {
        self.alerts.report()
    }

    fn notifications(&self) -> (u64, u64) {
        self.alerts.notifications()
    }

    fn sources(&self) -> Vec<SourceCoverage> {
        self.live.sources.report()
    }

    fn sessions(&self, now: Timestamp) -> SessionsReport {
        self.live.sessions.report(now)
    }

    fn proxy(&self) -> SessionStats {
        self.live.sessions.stats()
    }

    fn stats(&self) -> Stats {
        self.recorder.stats()
    }
}
