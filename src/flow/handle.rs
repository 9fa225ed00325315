//! The handle that answers: trails from the journal, stalls from the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::journal::{Order, ReadError, Reader, Term};
use crate::model::{Event, Kind, MessageKey, Seq, StalledReport, Subject, Timestamp, Trail};

use super::engine::Engine;
use super::sight::OutOfSight;
use super::stalled_query::StalledQuery;
use super::trail;

/// Events of one trail; an order with more is shown from its beginning.
const TRAIL_EVENTS_MAX: usize = 2_000;
/// Messages of one order that are looked up by their own ids.
const TRAIL_MESSAGES_MAX: usize = 200;
/// Gaps looked through for one trail, newest first.
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

    /// The trail of an order; `None` where no event names it. Reads from the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn order(&self, id: &str, now: Timestamp) -> Result<Option<Trail>, ReadError> {
        let mut events = BTreeMap::new();
        let mut complete = self.collect(&Term::OrderId(id.into()), |_| true, &mut events)?;
        let keys: BTreeSet<MessageKey> = events.values().filter_map(Event::message_key).collect();
        // Some sources name the message only. A message id that several orders use does not join them.
        let own = |event: &Event| event.order_id.as_deref().is_none_or(|order| order == id);
        for key in keys.iter().take(TRAIL_MESSAGES_MAX) {
            complete &= self.collect(&term(key), own, &mut events)?;
        }
        let truncated = !complete || keys.len() > TRAIL_MESSAGES_MAX;
        self.trail(Subject::Order(id.into()), events, truncated, now)
    }

    /// The trail of a message; `None` where no event names it. Reads from the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn message(&self, key: &MessageKey, now: Timestamp) -> Result<Option<Trail>, ReadError> {
        let mut events = BTreeMap::new();
        let complete = self.collect(&term(key), |_| true, &mut events)?;
        self.trail(Subject::Message(key.clone()), events, !complete, now)
    }

    /// What is past its deadline.
    #[must_use]
    pub fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport {
        self.engine().stalled(query, now)
    }

    /// Messages and orders followed, and how many were evicted unfinished: because there were too many, or because they
    /// had not changed for as long as anything is followed.
    #[must_use]
    pub fn tracked(&self) -> (usize, usize, u64) {
        self.engine().tracked()
    }

    /// Forgets what was applied: every event is about to be given anew.
    pub fn begin(&self) {
        *self.engine() = Engine::new(config::Flow::clone(&self.settings));
    }

    /// Takes committed events, in the order of the journal.
    pub fn apply(&self, events: &[Event]) {
        let mut engine = self.engine();
        events.iter().for_each(|event| engine.apply(event));
    }

    /// Adds the events that carry `term`, oldest first; `false`: there were more.
    fn collect(
        &self,
        term: &Term,
        wanted: impl Fn(&Event) -> bool,
        events: &mut BTreeMap<Seq, Event>,
    ) -> Result<bool, ReadError> {
        for event in self.reader.find(term, Seq(0)..Seq(u64::MAX), Order::Ascending) {
            let event = event?;
            if !wanted(&event) || events.contains_key(&event.seq) {
                continue;
            }
            if events.len() >= TRAIL_EVENTS_MAX {
                return Ok(false);
            }
            events.insert(event.seq, event);
        }
        Ok(true)
    }

    fn trail(
        &self,
        subject: Subject,
        events: BTreeMap<Seq, Event>,
        truncated: bool,
        now: Timestamp,
    ) -> Result<Option<Trail>, ReadError> {
        let events: Vec<Event> = events.into_values().collect();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
        let mut gaps = self.gaps(first.at, now.max(last.at))?;
        let mut trail = trail::build(subject, events, &OutOfSight::of(&gaps), &self.settings, now);
        let Some((_, to)) = trail::span(&trail, now) else { return Ok(None) };
        gaps.retain(|event| event.gap.as_ref().is_some_and(|gap| gap.from <= to));
        trail::add_gaps(&mut trail, gaps);
        if truncated {
            trail::mark_truncated(&mut trail);
        }
        Ok(Some(trail))
    }

    /// Gaps that overlap a time, oldest first.
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

fn term(key: &MessageKey) -> Term {
    match key {
        MessageKey::Id(id) => Term::MessageId(id.clone()),
        MessageKey::Fingerprint(fingerprint) => Term::Fingerprint(*fingerprint),
    }
}
