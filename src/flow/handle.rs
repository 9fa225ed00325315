//! The handle on trails and stalls. Trails come from the journal, stalls from the engine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::journal::{Order, ReadError, Reader, Term};
use crate::model::{Event, Kind, MessageKey, Seq, StalledReport, State, Subject, Timestamp, Trail};

use super::engine::{Engine, Tracked};
use super::history::{FIRST_MAX, History};
use super::sight::OutOfSight;
use super::stalled_query::StalledQuery;
use super::table::Table;
use super::trail;

/// Messages of one order, besides the first ones, that are looked up by their own ids: the newest. They cost some
/// megabytes, and some seconds in a journal of many partitions.
const ORDER_MESSAGES_MAX: usize = 20_000;
/// Gaps examined for one trail, newest first.
const GAPS_MAX: usize = 1_000;

/// Trails and stalls. A cheap handle.
#[derive(Clone)]
pub struct Flow {
    reader: Reader,
    settings: Arc<config::Flow>,
    engine: Arc<Mutex<Engine>>,
}

impl Flow {
    /// A flow over the journal behind `reader`, with nothing applied yet.
    #[must_use]
    pub fn new(reader: Reader, settings: config::Flow) -> Self {
        let engine = Arc::new(Mutex::new(Engine::new(settings.clone())));
        Flow { reader, settings: Arc::new(settings), engine }
    }

    /// The trail of an order; `None` if no event names the order. Reads from the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn order(&self, id: &str, now: Timestamp) -> Result<Option<Trail>, ReadError> {
        let Looked { terms, beyond } = self.terms(id)?;
        let is_judged =
            |event: &Event| beyond == 0 || event.message_key().is_none_or(|key| terms.contains(&term(&key)));
        // Several orders may use one message id. It does not join them.
        let is_own = |event: &Event| event.order_id.as_deref().is_none_or(|order| order == id);
        let mut history = History::new(&self.settings);
        history.leave_out(beyond);
        for event in self.reader.find_any(Arc::clone(&terms)) {
            let event = event?;
            match is_judged(&event) {
                _ if !is_own(&event) => {}
                true => history.apply(event),
                false => history.show(event),
            }
        }
        self.trail(Subject::Order(id.into()), history, now)
    }

    /// The trail of a message; `None` if no event names the message. Reads from the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn message(&self, key: &MessageKey, now: Timestamp) -> Result<Option<Trail>, ReadError> {
        let mut history = History::new(&self.settings);
        for event in self.reader.find(&term(key), Seq(0)..Seq(u64::MAX), Order::Ascending) {
            history.apply(event?);
        }
        self.trail(Subject::Message(key.clone()), history, now)
    }

    /// The items past their deadline.
    #[must_use]
    pub fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport {
        self.engine().stalled(query, now)
    }

    /// The numbers of items followed and evicted.
    #[must_use]
    pub fn tracked(&self) -> Tracked {
        self.engine().tracked()
    }

    /// Forgets all applied events. The caller then applies every event again.
    pub fn begin(&self) {
        *self.engine() = Engine::new(config::Flow::clone(&self.settings));
    }

    /// Takes committed events, in the order of the journal.
    pub fn apply(&self, events: &[Event]) {
        let mut engine = self.engine();
        events.iter().for_each(|event| engine.apply(event));
    }

    /// The search terms of an order: its id and the ids of its messages. Some sources name only the message.
    fn terms(&self, id: &str) -> Result<Looked, ReadError> {
        let order = Term::OrderId(id.into());
        let (mut first, mut others, mut beyond) = (HashSet::new(), Table::new(), 0);
        for event in self.reader.find(&order, Seq(0)..Seq(u64::MAX), Order::Ascending) {
            let event = event?;
            let Some(key) = event.message_key() else { continue };
            if first.contains(&key) {
                continue;
            }
            if first.len() < FIRST_MAX {
                first.insert(key);
                continue;
            }
            others.change(key, event.at, |_| (), |()| true, |()| ());
            if others.len() > ORDER_MESSAGES_MAX {
                others.pop_oldest();
                beyond += 1;
            }
        }
        let keys = first.into_iter().chain(others.into_entries().map(|(key, ())| key));
        let terms = keys.map(|key| term(&key)).chain([order]).collect();
        Ok(Looked { terms: Arc::new(terms), beyond })
    }

    fn trail(&self, subject: Subject, history: History<'_>, now: Timestamp) -> Result<Option<Trail>, ReadError> {
        let Some((first, last)) = history.span() else { return Ok(None) };
        let mut gaps = self.gaps(first, now.max(last))?;
        let mut trail = trail::build(subject, history, &OutOfSight::of(&gaps), &self.settings, now);
        // A trail that is not completed lasts until now.
        let to = if trail.verdict.state() == State::Completed { last } else { now.max(last) };
        gaps.retain(|event| event.gap.as_ref().is_some_and(|gap| gap.from <= to));
        trail::add_gaps(&mut trail, gaps);
        Ok(Some(trail))
    }

    /// The gaps that overlap a span of time, oldest first.
    fn gaps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Event>, ReadError> {
        let mut gaps = Vec::new();
        let newest = self.reader.find(&Term::Kind(Kind::Gap), Seq(0)..Seq(u64::MAX), Order::Descending);
        for event in newest.take(GAPS_MAX) {
            let event = event?;
            if event.gap.as_ref().is_some_and(|gap| gap.from <= to && gap.to >= from) {
                gaps.push(event);
            }
        }
        gaps.reverse();
        Ok(gaps)
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The search terms of an order.
struct Looked {
    terms: Arc<HashSet<Term>>,
    /// The number of messages beyond the bound.
    beyond: u64,
}

fn term(key: &MessageKey) -> Term {
    match key {
        MessageKey::Id(id) => Term::MessageId(id.clone()),
        MessageKey::Fingerprint(fingerprint) => Term::Fingerprint(*fingerprint),
    }
}
