//! One source of one vhost on one connection: its queue, its deliveries, and the gaps that it leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lapin::Connection;
use lapin::message::Delivery;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bindings::{self, Bindings, EVENT_EXCHANGE};
use super::decode::Arrival;
use super::discovery::Snapshot;
use super::ledger::{Change, News};
use super::memory::Memory;
use super::notes::note;
use super::queues::{self, Declaration, Declared, Spec};
use super::reading::{Reading, Step};
use super::shared::Shared;
use super::topology::bound;
use super::tracing_switch::Tracing;
use crate::broker::{self, ACCESS_REFUSED, AmqpError, NOT_FOUND};
use crate::clock;
use crate::model::{Event, Source, SourceState, Timestamp};
use crate::record::{Observation, Stopped};

/// A queue that is deleted over and over is not declared more often than this.
const REDECLARE: Duration = Duration::from_millis(500);
/// The broker drops before the last byte is taken, and counts every five seconds only.
const FULL_PERCENT: u64 = 90;

/// A source on a connection.
pub(super) struct Tapped<'a> {
    shared: &'a Shared,
    memory: &'a mut Memory,
    connection: &'a Connection,
    spec: Spec,
    bindings: Bindings<'a>,
    /// Since when this connection's consumer runs.
    live_since: Option<Timestamp>,
    found: watch::Receiver<Option<Arc<Snapshot>>>,
    cancel: CancellationToken,
}

/// Why a source stopped.
#[derive(Debug)]
pub(super) enum End {
    /// Asked to.
    Cancelled,
    /// The connection is gone.
    Lost(String),
    /// The journal takes nothing any more.
    Stopped,
}

/// Why consuming ended, with the connection in place.
pub(super) enum Round {
    Cancelled,
    /// The queue or its channel is gone.
    Broken(String),
    /// The exchange is not there; it is looked for at every refresh.
    Absent,
}

/// An error that ends a round.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error(transparent)]
    Amqp(#[from] AmqpError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl<'a> Tapped<'a> {
    /// For the source that `memory` is about.
    pub fn new(
        shared: &'a Shared,
        memory: &'a mut Memory,
        connection: &'a Connection,
        found: watch::Receiver<Option<Arc<Snapshot>>>,
        cancel: CancellationToken,
    ) -> Self {
        let spec = queues::spec(&shared.config.tap, memory.source);
        let bindings = Bindings::new(connection, spec.name.clone());
        Tapped { shared, memory, connection, spec, bindings, live_since: None, found, cancel }
    }

    /// Observes until cancelled or until the connection is gone.
    pub async fn run(mut self) -> End {
        loop {
            let wait = match self.round().await {
                Ok(Round::Cancelled) => return End::Cancelled,
                Ok(Round::Absent) => None,
                Ok(Round::Broken(reason)) => {
                    tracing::warn!(vhost = &*self.memory.vhost, source = %self.memory.source, reason, "the tap's queue broke off");
                    self.set_state(SourceState::Connecting);
                    self.memory.outage = Some(reason);
                    Some(REDECLARE)
                }
                Err(RoundError::Stopped(Stopped)) => return End::Stopped,
                Err(RoundError::Amqp(error @ (AmqpError::Lost(_) | AmqpError::Closed))) => {
                    return End::Lost(error.to_string());
                }
                Err(RoundError::Amqp(error)) => {
                    self.set_state(SourceState::Failed);
                    let text = self.refused_queue(&error);
                    let problems = BTreeMap::from([("queue".to_owned(), text)]);
                    if self.tell(problems, BTreeSet::new(), None).await.is_err() {
                        return End::Stopped;
                    }
                    None
                }
            };
            let again = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => _ = self.found.changed().await,
                }
            };
            tokio::select! {
                () = self.cancel.cancelled() => return End::Cancelled,
                () = again => {}
            }
        }
    }

    /// Declares, binds and consumes, until something ends it.
    async fn round(&mut self) -> Result<Round, RoundError> {
        let Some(snapshot) = self.snapshot().await else { return Ok(Round::Cancelled) };
        if self.memory.source == Source::Events && !self.event_exchange_exists().await? {
            return Ok(Round::Absent);
        }
        let declared = queues::declare(self.connection, &self.spec).await?;
        self.apply(&snapshot, declared.how).await?;
        let prefetch = self.shared.config.tap.prefetch;
        let reading = Reading::open(self.connection, &self.spec, prefetch, declared.messages).await?;
        self.outage_ended(declared).await?;
        self.live_since = Some(clock::now());
        self.set_state(SourceState::Live);
        self.read(reading).await
    }

    async fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        tokio::select! {
            () = self.cancel.cancelled() => None,
            found = self.found.wait_for(Option::is_some) => found.ok().and_then(|found| found.clone()),
        }
    }

    async fn event_exchange_exists(&mut self) -> Result<bool, RoundError> {
        match broker::check_exchange(self.connection, EVENT_EXCHANGE).await {
            Ok(()) => Ok(true),
            Err(AmqpError::Refused { code: NOT_FOUND, .. }) => {
                self.set_state(SourceState::Off);
                let text = "the plugin rabbitmq_event_exchange is not on, or has its exchange in another vhost: \
                            connections have no names, and changes are noticed only at each refresh \
                            (rabbitmq-plugins enable rabbitmq_event_exchange)";
                let sources = &self.shared.sources;
                sources.set_problems(&self.memory.vhost, Source::Events, vec![text.to_owned()]);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the bindings follow the plan, keeps tracing on, and tells the problems.
    async fn apply(&mut self, snapshot: &Snapshot, how: Declaration) -> Result<Option<Tracing>, RoundError> {
        let plan = bindings::plan(self.memory.source, snapshot);
        let mut problems = plan.refused.clone();
        let current = match (how, &snapshot.bindings) {
            (Declaration::Kept, Some(bindings)) => Some(bound(bindings, &self.spec.name)),
            _ => None,
        };
        let bound_now = self.bindings.adjust(&plan, current.as_ref(), &mut problems).await?;
        let discovers = matches!(self.memory.source, Source::Binding | Source::DeadLetter);
        if let Some(problem) = snapshot.problem.as_ref().filter(|_| discovers) {
            problems.insert("management".to_owned(), problem.clone());
        }
        for (index, problem) in snapshot.policy_problems.get(&self.spec.name).into_iter().flatten().enumerate() {
            problems.insert(format!("policy {index}"), problem.clone());
        }
        let mut tracing = None;
        if self.memory.source == Source::Firehose {
            let management = self.shared.management.as_ref();
            let state = self.memory.switch.assert(management, &self.memory.vhost, clock::now()).await;
            if let Tracing::Unsure(problem) = &state {
                problems.insert("tracing".to_owned(), problem.clone());
            }
            tracing = Some(state);
        }
        if self.memory.source == Source::DeadLetter {
            self.memory.bound.set(bound_now.iter().map(|name| name.as_str().into()));
        }
        self.tell(problems, bound_now, snapshot.exchanges.as_ref()).await?;
        Ok(tracing)
    }

    /// Shows the exchanges that are bound and the problems, and records changes.
    async fn tell(
        &mut self,
        problems: BTreeMap<String, String>,
        bound: BTreeSet<String>,
        existing: Option<&BTreeSet<String>>,
    ) -> Result<(), Stopped> {
        let (vhost, source) = (self.memory.vhost.clone(), self.memory.source);
        let sources = &self.shared.sources;
        let queue = format!("{} ({})", self.spec.name, queues::KIND);
        sources.describe(&vhost, source, Some(queue), bound.iter().cloned().collect());
        sources.set_problems(&vhost, source, problems.values().cloned().collect());
        let mut news: Vec<News> = self.memory.ledger.problems(problems);
        let exists = |name: &str| existing.is_some_and(|existing| existing.contains(name));
        news.extend(self.memory.ledger.observed(bound, exists));
        for (change, detail) in news {
            if change == Change::Restored {
                tracing::info!(vhost = &*vhost, %source, change = change.name(), detail, "what the tap observes has changed");
            } else {
                tracing::warn!(vhost = &*vhost, %source, change = change.name(), detail, "what the tap observes has changed");
            }
            let event = Event::change(change.name(), detail, clock::now());
            self.shared.recorder.record(note(&vhost, event)).await?;
        }
        Ok(())
    }

    /// Records the gap that an outage left, now that the source observes again.
    async fn outage_ended(&mut self, declared: Declared) -> Result<(), Stopped> {
        let now = clock::now();
        let outage = self.memory.outage.take();
        let since = self.memory.known_until(&self.shared.recorder);
        if self.memory.complete_until.is_none() && declared.messages == 0 {
            self.memory.complete_until = Some(now);
        }
        let Some(from) = since else {
            // The first time ever: from here on it is known since when the source is observed.
            let detail = format!("source {} is observed from now on", self.memory.source);
            let event = Event { source: self.memory.source, ..Event::change("tap.started", detail, now) };
            return self.shared.recorder.record(note(&self.memory.vhost, event)).await;
        };
        let queue = match declared.how {
            Declaration::Kept => {
                "what waited in its queue is recorded late, what did not fit or was not kept is missing"
            }
            Declaration::Created => "its queue was gone, with what it held",
            Declaration::Replaced => "the settings of its queue have changed, and it was deleted with what it held",
        };
        let outage = outage.unwrap_or_else(|| "hoptrail was not running".to_owned());
        let cause = format!("{outage}; {queue}");
        tracing::warn!(vhost = &*self.memory.vhost, source = %self.memory.source, %from, reason = cause, "a gap is recorded");
        let gap = Event::gap(self.memory.source, (from, now), None, cause);
        self.shared.recorder.record(note(&self.memory.vhost, gap)).await
    }

    /// Reads until cancelled or broken off.
    async fn read(&mut self, mut reading: Reading) -> Result<Round, RoundError> {
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return self.stop(reading).await,
                step = reading.next() => match step? {
                    Step::Delivery(delivery) => self.delivery(*delivery, &mut reading).await?,
                    Step::Acknowledge => reading.acknowledge().await?,
                    Step::Check => {
                        reading.acknowledge().await?;
                        self.check_complete(&mut reading).await?;
                    }
                    Step::Refused(reason) => {
                        return Ok(Round::Broken(format!("the broker closed the tap's channel: {reason}")));
                    }
                    Step::Ended if self.connection.status().connected() => {
                        return Ok(Round::Broken(format!("the tap's queue {:?} was deleted", self.spec.name)));
                    }
                    Step::Ended => return Err(AmqpError::Closed.into()),
                },
                changed = self.found.changed() => {
                    if changed.is_ok() {
                        self.refresh().await?;
                    }
                }
            }
        }
    }

    /// Hands the events of a delivery to the recorder, and then the right to acknowledge it.
    async fn delivery(&mut self, delivery: Delivery, reading: &mut Reading) -> Result<(), Stopped> {
        let tag = delivery.delivery_tag;
        let maybe_repeated = delivery.redelivered;
        let decoded = self.memory.decoder.decode(Arrival {
            at: clock::now(),
            late: reading.arrived(),
            exchange: delivery.exchange.as_str().into(),
            routing_key: delivery.routing_key.as_str().into(),
            properties: delivery.properties,
            body: delivery.data,
        });
        if let Some(vhost) = &decoded.changed {
            self.shared.nudges.announce(vhost);
        }
        let mut events = decoded.events.into_iter().filter(|event| self.shared.is_observed(event)).peekable();
        if events.peek().is_none() {
            reading.left_out(tag);
        }
        while let Some(event) = events.next() {
            let last = events.peek().is_none();
            let observation = Observation {
                event,
                receipt: last.then(|| reading.receipt(tag)),
                maybe_repeated,
                origin: Some((self.memory.vhost.clone(), self.memory.source)),
                link: None,
            };
            self.shared.recorder.record(observation).await?;
            if last {
                reading.recorded(tag);
            }
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), RoundError> {
        let Some(snapshot) = self.found.borrow_and_update().clone() else { return Ok(()) };
        let now = clock::now();
        if let Some(Tracing::TurnedOn(since)) = self.apply(&snapshot, Declaration::Kept).await? {
            // Where it was never seen on, the firehose has been blind for as long as it counted as live.
            let since = since.or(self.live_since).unwrap_or(now);
            let cause = "tracing had been switched off on the broker: a node restarted, or somebody switched it off";
            let gap = Event::gap(Source::Firehose, (since, now), None, cause);
            self.shared.recorder.record(note(&self.memory.vhost, gap)).await?;
        }
        Ok(())
    }

    /// Looks whether everything that was published has been delivered.
    async fn check_complete(&mut self, reading: &mut Reading) -> Result<(), RoundError> {
        let now = clock::now();
        match reading.waiting(&self.spec).await? {
            Some(0) => {
                let emptied = reading.empty(now);
                if emptied.had_overflowed {
                    self.overflow_ended(now).await?;
                }
                self.memory.complete_until = emptied.complete_until.or(self.memory.complete_until);
            }
            Some(_) => reading.not_empty(self.is_full().await),
            None => {}
        }
        Ok(())
    }

    /// The queue holds so much that the broker may have dropped its oldest messages since the check before.
    async fn is_full(&self) -> bool {
        let Some(management) = &self.shared.management else { return false };
        let waiting = management.bytes_waiting(&self.memory.vhost, &self.spec.name).await;
        let bound = self.shared.config.tap.queue_bytes_max;
        waiting.is_ok_and(|bytes| bytes >= bound / 100 * FULL_PERCENT)
    }

    /// Everything that was left in a full queue has been delivered: the missing messages lie before now.
    async fn overflow_ended(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let (vhost, source) = (&self.memory.vhost, self.memory.source);
        let from = self.memory.known_until(&self.shared.recorder);
        let cause = format!(
            "the tap's queue {:?} was full ({} bytes): the broker dropped its oldest messages; give hoptrail more \
             processor time or a faster disk, or raise tap.queue_bytes_max",
            self.spec.name, self.shared.config.tap.queue_bytes_max
        );
        tracing::warn!(vhost = &**vhost, %source, reason = cause, "a gap is recorded");
        let gap = Event::gap(source, (from.unwrap_or(now), now), None, cause);
        self.shared.recorder.record(note(vhost, gap)).await
    }

    /// Takes no more, and marks where observation ended.
    async fn stop(&mut self, mut reading: Reading) -> Result<Round, RoundError> {
        if !reading.stop().await? {
            tracing::warn!(
                vhost = &*self.memory.vhost, source = %self.memory.source,
                "the journal did not take all in time; the broker delivers the rest again"
            );
        }
        let detail = format!("source {} stops with hoptrail", self.memory.source);
        let event = Event { source: self.memory.source, ..Event::change("tap.stopped", detail, clock::now()) };
        self.shared.recorder.record(note(&self.memory.vhost, event)).await?;
        Ok(Round::Cancelled)
    }
    fn set_state(&self, state: SourceState) {
        self.shared.sources.set_state(&self.memory.vhost, self.memory.source, state, clock::now());
    }

    fn refused_queue(&self, error: &AmqpError) -> String {
        let what = format!("the broker refused the tap's queue {:?}: {error}", self.spec.name);
        match error {
            AmqpError::Refused { code: ACCESS_REFUSED, .. } => format!(
                "{what}; permit the user to configure, write and read hoptrail\\..* and to read the exchanges of vhost \
                 {:?} (rabbitmqctl set_permissions)",
                self.memory.vhost
            ),
            _ => what,
        }
    }
}
