//! Facts from a list of events, with the answers of the other parts set by the test.

use std::ops::Range;
use std::sync::Mutex;

use crate::flow::StalledQuery;
use crate::journal::{Order, Statistics, Term};
use crate::live::SessionStats;
use crate::model::api::{AlertsReport, SessionsReport, SourceCoverage, StalledReport, Trail};
use crate::model::{Event, MessageKey, Seq, Timestamp};
use crate::record::Stats;

use super::super::facts::{Events, Facts, Unreadable};

/// An order whose trail makes the engine panic.
pub(in crate::serve) const PANICS: &str = "panics";

#[derive(Default)]
pub(in crate::serve) struct Fake {
    events: Vec<Event>,
    terms: Mutex<Vec<String>>,
    /// The number of an event that cannot be read.
    pub(in crate::serve) damaged: Option<u64>,
    pub(in crate::serve) stats: Stats,
    pub(in crate::serve) sources: Vec<SourceCoverage>,
    pub(in crate::serve) stalled: StalledReport,
    pub(in crate::serve) alerts: AlertsReport,
    pub(in crate::serve) statistics: Vec<Statistics>,
    pub(in crate::serve) sessions: SessionsReport,
    pub(in crate::serve) proxy: SessionStats,
    pub(in crate::serve) lag: u64,
    /// The stalled queries that were asked.
    pub(in crate::serve) asked: Mutex<Vec<StalledQuery>>,
}

impl Fake {
    /// A journal of these events, in the order of their numbers.
    pub(in crate::serve) fn new(events: Vec<Event>) -> Self {
        let stats = Stats { queue_len_max: 10, ..Stats::default() };
        Fake { events, stats, ..Fake::default() }
    }

    pub(in crate::serve) fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The index terms that were looked up.
    pub(in crate::serve) fn terms(&self) -> Vec<String> {
        self.terms.lock().unwrap().clone()
    }

    fn trail(&self, wanted: impl Fn(&Event) -> bool) -> Option<Trail> {
        let found: Vec<_> = self.events.iter().filter(|event| wanted(event)).collect();
        let first = found.first()?;
        Some(Trail {
            order_id: first.order_id.clone(),
            events: found.iter().map(|event| crate::model::api::EventView::brief(event)).collect(),
            ..Trail::default()
        })
    }
}

fn carries(event: &Event, term: &Term) -> bool {
    match term {
        Term::OrderId(id) => event.order_id.as_ref() == Some(id),
        Term::MessageId(id) => event.message_id.as_ref() == Some(id),
        Term::CorrelationId(id) => event.correlation_id.as_ref() == Some(id),
        Term::Fingerprint(fingerprint) => event.fingerprint == Some(*fingerprint),
        Term::Kind(kind) => event.kind == *kind,
        Term::KindQueue(kind, queue) => {
            event.kind == *kind && event.death.as_ref().is_some_and(|death| death.queue == *queue)
        }
    }
}

impl Facts for Fake {
    fn first_seq(&self) -> Seq {
        Seq::FIRST
    }

    fn last_seq(&self) -> Seq {
        self.events.last().map_or(Seq(0), |event| event.seq)
    }

    fn event(&self, seq: Seq) -> Result<Option<Event>, Unreadable> {
        self.read(None, seq..seq.next(), Order::Ascending).next().transpose()
    }

    fn seq_at(&self, at: Timestamp) -> Result<Seq, Unreadable> {
        let found = self.events.iter().find(|event| event.at >= at);
        Ok(found.map_or(self.last_seq().next(), |event| event.seq))
    }

    fn read(&self, term: Option<&Term>, range: Range<Seq>, order: Order) -> Events<'_> {
        if let Some(term) = term {
            self.terms.lock().unwrap().push(format!("{term:?}"));
        }
        let mut found: Vec<Event> = self.events.iter().filter(|event| range.contains(&event.seq)).cloned().collect();
        found.retain(|event| term.is_none_or(|term| carries(event, term)));
        if order == Order::Descending {
            found.reverse();
        }
        Box::new(found.into_iter().map(|event| match self.damaged {
            Some(seq) if seq == event.seq.0 => Err(Unreadable(format!("event {seq} is damaged"))),
            _ => Ok(event),
        }))
    }

    fn statistics(&self) -> Result<Vec<Statistics>, Unreadable> {
        match self.damaged {
            Some(_) => Err(Unreadable("a file is damaged".to_owned())),
            None => Ok(self.statistics.clone()),
        }
    }

    fn disk_bytes(&self) -> u64 {
        4096
    }

    fn order(&self, id: &str, _now: Timestamp) -> Result<Option<Trail>, Unreadable> {
        assert_ne!(id, PANICS, "the engine is broken");
        Ok(self.trail(|event| event.order_id.as_deref() == Some(id)))
    }

    fn message(&self, key: &MessageKey, _now: Timestamp) -> Result<Option<Trail>, Unreadable> {
        Ok(self.trail(|event| event.message_key().as_ref() == Some(key)))
    }

    fn stalled(&self, query: &StalledQuery, _now: Timestamp) -> StalledReport {
        self.asked.lock().unwrap().push(query.clone());
        self.stalled.clone()
    }

    fn lag(&self) -> u64 {
        self.lag
    }

    fn tracked(&self) -> (usize, usize, u64) {
        (3, 2, 1)
    }

    fn alerts(&self) -> AlertsReport {
        self.alerts.clone()
    }

    fn notifications(&self) -> (u64, u64) {
        (5, 1)
    }

    fn sources(&self) -> Vec<SourceCoverage> {
        self.sources.clone()
    }

    fn sessions(&self, _now: Timestamp) -> SessionsReport {
        self.sessions.clone()
    }

    fn proxy(&self) -> SessionStats {
        self.proxy.clone()
    }

    fn stats(&self) -> Stats {
        self.stats.clone()
    }
}
