//! One source of one vhost: its queue, its bindings, and what is known of it from one connection to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lapin::Connection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::decode::{BoundDeadLetterExchanges, Decoder};
use super::discovery::Snapshot;
use super::ledger::{Change, Ledger, News};
use super::notes::note;
use super::queues::{self, Declaration, Declared, Spec};
use super::topology::{Plan, bound};
use super::tracing_switch::{self, Switch, Tracing};
use crate::broker::{self, ACCESS_REFUSED, AmqpError, Bind, Binder, NOT_FOUND};
use crate::clock;
use crate::model::api::TapState;
use crate::model::{Event, Source, Str, Timestamp};
use crate::record::Stopped;

/// Where the plugin `rabbitmq_event_exchange` publishes.
pub(super) const EVENT_EXCHANGE: &str = "amq.rabbitmq.event";
/// A queue that is deleted over and over is not declared more often than this.
const REDECLARE: Duration = Duration::from_millis(500);

/// What outlives a connection.
pub(super) struct Memory {
    pub source: Source,
    pub vhost: Str,
    pub decoder: Decoder,
    pub bound: BoundDeadLetterExchanges,
    pub switch: Switch,
    pub ledger: Ledger,
    /// Why the source was blind; told by the gap that ends the blindness.
    pub outage: Option<String>,
    /// Everything up to this moment had been delivered.
    pub complete_until: Option<Timestamp>,
}

/// A source on a connection.
pub(super) struct Tapped<'a> {
    pub shared: &'a Shared,
    pub memory: &'a mut Memory,
    pub connection: &'a Connection,
    pub spec: Spec,
    /// Bindings that the look before found to be too much.
    surplus: BTreeSet<Bind>,
    /// Since when this connection's consumer runs.
    pub live_since: Option<Timestamp>,
    pub found: watch::Receiver<Option<Arc<Snapshot>>>,
    pub cancel: CancellationToken,
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

/// What ends a round early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error(transparent)]
    Amqp(#[from] AmqpError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl From<lapin::Error> for RoundError {
    fn from(error: lapin::Error) -> Self {
        RoundError::Amqp(error.into())
    }
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
        Tapped { shared, memory, connection, spec, surplus: BTreeSet::new(), live_since: None, found, cancel }
    }

    /// Observes until cancelled or until the connection is gone.
    pub async fn run(mut self) -> End {
        loop {
            let wait = match self.round().await {
                Ok(Round::Cancelled) => return End::Cancelled,
                Ok(Round::Absent) => None,
                Ok(Round::Broken(why)) => {
                    tracing::warn!(vhost = &*self.memory.vhost, source = %self.memory.source, why, "the tap's queue broke off");
                    self.set_state(TapState::Connecting);
                    self.memory.outage = Some(why);
                    Some(REDECLARE)
                }
                Err(RoundError::Stopped(Stopped)) => return End::Stopped,
                Err(RoundError::Amqp(error @ (AmqpError::Lost(_) | AmqpError::Closed))) => {
                    return End::Lost(error.to_string());
                }
                Err(RoundError::Amqp(error)) => {
                    self.set_state(TapState::Failed);
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
        let (channel, consumer) = queues::consume(self.connection, &self.spec, prefetch).await?;
        self.outage_ended(declared).await?;
        self.live_since = Some(clock::now());
        self.set_state(TapState::Live);
        self.deliveries(channel, consumer, declared).await
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
                self.set_state(TapState::Off);
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

    /// Makes the bindings be as planned, keeps tracing on, and tells what cannot be.
    pub(super) async fn apply(&mut self, snapshot: &Snapshot, how: Declaration) -> Result<Option<Tracing>, RoundError> {
        let plan = self.plan(snapshot);
        let mut problems = plan.refused.clone();
        let current = match (how, &snapshot.bindings) {
            (Declaration::Kept, Some(bindings)) => Some(bound(bindings, &self.spec.name)),
            _ => None,
        };
        let bound_now = self.bind(&plan, current.as_ref(), &mut problems).await?;
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

    fn plan(&self, snapshot: &Snapshot) -> Plan {
        let fixed = |exchange: &str, keys: &[&str]| Plan {
            binds: keys
                .iter()
                .map(|key| Bind { exchange: exchange.to_owned(), routing_key: (*key).to_owned() })
                .collect(),
            ..Plan::default()
        };
        match self.memory.source {
            Source::Firehose => fixed(tracing_switch::EXCHANGE, &["publish.#", "deliver.#"]),
            Source::Events => fixed(EVENT_EXCHANGE, &["#"]),
            Source::DeadLetter => snapshot.plans.dead_letter.clone(),
            _ => snapshot.plans.binding.clone(),
        }
    }

    /// Adds what is missing and removes what is too much; gives the exchanges that are bound.
    ///
    /// What is too much is removed one look later, when another source that takes it over has long bound it.
    async fn bind(
        &mut self,
        plan: &Plan,
        current: Option<&BTreeSet<Bind>>,
        problems: &mut BTreeMap<String, String>,
    ) -> Result<BTreeSet<String>, AmqpError> {
        let mut binder = Binder::new(self.connection, &self.spec.name);
        let mut refused = BTreeSet::new();
        for bind in plan.binds.iter().filter(|bind| !current.is_some_and(|current| current.contains(*bind))) {
            match binder.bind(bind).await {
                Ok(()) => {}
                Err(AmqpError::Refused { code, text }) => {
                    problems.insert(bind.exchange.clone(), refused_bind(bind, code, &text));
                    refused.insert(bind.exchange.as_str());
                }
                Err(lost) => return Err(lost),
            }
        }
        let surplus: BTreeSet<Bind> =
            current.into_iter().flatten().filter(|bind| !plan.binds.contains(*bind)).cloned().collect();
        for bind in surplus.intersection(&self.surplus) {
            match binder.unbind(bind).await {
                // What is gone with its exchange needs no unbinding.
                Ok(()) | Err(AmqpError::Refused { .. }) => {}
                Err(lost) => return Err(lost),
            }
        }
        let exchanges =
            plan.exchanges().into_iter().filter(|name| !refused.contains(name)).map(str::to_owned).collect();
        self.surplus = surplus;
        Ok(exchanges)
    }

    /// Shows what is observed and what is not, and records what has changed.
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
        let mark = self.shared.recorder.mark(&self.memory.vhost, self.memory.source);
        let since = self.memory.complete_until.or(mark.map(|mark| mark.at));
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
        let why = outage.unwrap_or_else(|| "hoptrail was not running".to_owned());
        let cause = format!("{why}; {queue}");
        tracing::warn!(vhost = &*self.memory.vhost, source = %self.memory.source, %from, cause, "a gap is recorded");
        let gap = Event::gap(self.memory.source, (from, now), None, cause);
        self.shared.recorder.record(note(&self.memory.vhost, gap)).await
    }

    pub(super) fn set_state(&self, state: TapState) {
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

fn refused_bind(bind: &Bind, code: u16, text: &str) -> String {
    let exchange = &bind.exchange;
    match code {
        NOT_FOUND => format!("exchange {exchange:?} does not exist: it is observed as soon as it does"),
        ACCESS_REFUSED => format!(
            "exchange {exchange:?} may not be bound ({text}): permit the user to read it and to write hoptrail\\..* \
             (rabbitmqctl set_permissions)"
        ),
        _ => format!("exchange {exchange:?} could not be bound: {text} ({code})"),
    }
}
