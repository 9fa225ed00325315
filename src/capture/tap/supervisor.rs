//! One vhost: connects, observes until the connection ends, and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lapin::Connection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::clients::Client;
use super::decode::{BoundDeadLetterExchanges, Decoder};
use super::memory::Memory;
use super::notes::note;
use super::queues;
use super::shared::Shared;
use super::source::{End, Tapped};
use super::{discovery, unreadable};
use crate::broker::{self, ClientConnection, ConnectError, Ending, Reconnect};
use crate::clock;
use crate::model::{Event, Source, SourceState, Str};
use crate::record::Stopped;

/// The same failure is logged again after this time, not at every attempt.
const REPEAT_LOG: Duration = Duration::from_secs(300);
/// How long the broker may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(2);

/// Keeps the taps of one vhost going.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    vhost: Str,
    memories: Vec<Memory>,
    logged: Option<(String, Instant)>,
}

impl Supervisor {
    /// For one vhost, with the sources that are switched on.
    pub fn new(shared: Arc<Shared>, vhost: &str) -> Self {
        let vhost = Str::from(vhost);
        let tap = &shared.config.tap;
        let bound = BoundDeadLetterExchanges::default();
        let mut memories = Vec::new();
        for (source, on) in [
            (Source::Binding, true),
            (Source::DeadLetter, true),
            (Source::Firehose, tap.firehose),
            (Source::Events, tap.events),
        ] {
            let state = if on { SourceState::Connecting } else { SourceState::Off };
            shared.sources.set_state(&vhost, source, state, clock::now());
            if !on {
                continue;
            }
            let decoder = Decoder::new(source, vhost.clone(), shared.clients.clone(), bound.clone());
            memories.push(Memory::new(source, vhost.clone(), decoder, bound.clone()));
        }
        Supervisor { shared, vhost, memories, logged: None }
    }

    /// Observes until cancelled, or until the journal takes nothing any more.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut reconnect = Reconnect::new(self.shared.config.broker.backoff);
        loop {
            let began = clock::instant();
            let connected = tokio::select! {
                () = cancel.cancelled() => return,
                connected = broker::connect(&self.shared.config, &self.vhost) => connected,
            };
            let failure = match connected {
                Ok(connection) => {
                    self.logged = None;
                    let mut ending = Ending::of(&connection);
                    match self.connected(&connection, &mut ending, &cancel).await {
                        End::Cancelled => {
                            self.release_tracing().await;
                            broker::close(&connection, CLOSE).await;
                            tracing::info!(vhost = &*self.vhost, "the tap has stopped");
                            return;
                        }
                        End::Stopped => return broker::close(&connection, CLOSE).await,
                        End::Lost(cause) => {
                            broker::close(&connection, CLOSE).await;
                            let failure = self.lost(&cause);
                            if ending.was_unreadable()
                                && let Err(Stopped) = self.take_out_unreadable().await
                            {
                                return;
                            }
                            failure
                        }
                    }
                }
                Err(error) => self.failed(&error),
            };
            let wait = reconnect.after(began.elapsed());
            self.log(&failure, wait);
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Observes on a connection until it ends.
    async fn connected(&mut self, connection: &Connection, ending: &mut Ending, cancel: &CancellationToken) -> End {
        let version = match &self.shared.management {
            Some(management) => management.overview().await.ok().map(|overview| overview.rabbitmq_version),
            None => None,
        };
        tracing::info!(
            vhost = &*self.vhost,
            version = version.as_deref().unwrap_or("unknown"),
            "connected to the broker"
        );
        self.learn_connections().await;
        let (sender, found) = watch::channel(None);
        let shared = &*self.shared;
        let mut sources: FuturesUnordered<_> = self
            .memories
            .iter_mut()
            .map(|memory| Tapped::new(shared, memory, connection, found.clone(), cancel.clone()).run())
            .collect();
        drop(found);
        let observing = async {
            let mut end = End::Cancelled;
            while let Some(ended) = sources.next().await {
                match ended {
                    End::Cancelled => {}
                    other => {
                        end = other;
                        break;
                    }
                }
            }
            end
        };
        tokio::select! {
            end = observing => end,
            never = discovery::run(shared, &self.vhost, &sender) => match never {},
            cause = ending.wait() => End::Lost(cause.to_string()),
        }
    }

    /// Names the connections that were there before the event exchange was read.
    async fn learn_connections(&self) {
        let Some(management) = &self.shared.management else { return };
        let connections = match management.connections().await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::debug!(%error, "connections that are open already have no names");
                return;
            }
        };
        for ClientConnection { name, user, vhost, client_properties } in connections {
            let Some(name) = name else { continue };
            let property = |name: &str| client_properties.get(name).and_then(serde_json::Value::as_str).map(Str::from);
            self.shared.clients.put(name.into(), Client::new(property, user.map(Str::from), vhost.map(Str::from)));
        }
    }

    /// Takes unreadable messages out of the tap's queues, and records that they are missing.
    async fn take_out_unreadable(&mut self) -> Result<(), Stopped> {
        for memory in &self.memories {
            let queue = queues::spec(&self.shared.config.tap, memory.source).name;
            let taken = unreadable::take_out(&self.shared.config, &self.vhost, &queue).await;
            if taken == 0 {
                continue;
            }
            let cause = format!(
                "{taken} messages could not be read and were taken out of the tap's queue {queue:?}: a routing key, a \
                 property or the name of a header is not UTF-8, as AMQP demands"
            );
            tracing::error!(vhost = &*self.vhost, source = %memory.source, taken, reason = cause, "messages are not recorded");
            let now = clock::now();
            let from = memory.known_until(&self.shared.recorder).unwrap_or(now);
            // The firehose also traced these very messages on their way to the tap, which is nobody's loss.
            let count = (memory.source != Source::Firehose).then_some(u64::from(taken));
            let gap = Event::gap(memory.source, (from, now), count, cause);
            self.shared.recorder.record(note(&self.vhost, gap)).await?;
        }
        Ok(())
    }

    async fn release_tracing(&mut self) {
        for memory in self.memories.iter_mut().filter(|memory| memory.source == Source::Firehose) {
            let queue = queues::spec(&self.shared.config.tap, Source::Firehose).name;
            memory.switch.release(self.shared.management.as_ref(), &self.vhost, &queue).await;
        }
    }

    fn lost(&mut self, cause: &str) -> String {
        let text = format!("the connection to the broker was lost ({cause})");
        for memory in &mut self.memories {
            memory.outage.get_or_insert_with(|| text.clone());
        }
        self.set_states(SourceState::Connecting, None);
        text
    }

    fn failed(&mut self, error: &ConnectError) -> String {
        let text = error.to_string();
        self.set_states(SourceState::Failed, Some(&text));
        text
    }

    fn set_states(&self, state: SourceState, problem: Option<&String>) {
        let sources = &self.shared.sources;
        for memory in &self.memories {
            sources.set_state(&self.vhost, memory.source, state, clock::now());
            if let Some(problem) = problem {
                sources.set_problems(&self.vhost, memory.source, vec![problem.clone()]);
            }
        }
    }

    fn log(&mut self, failure: &str, wait: Duration) {
        let now = clock::instant();
        let repeats = self
            .logged
            .as_ref()
            .is_some_and(|(text, at)| text == failure && now.saturating_duration_since(*at) < REPEAT_LOG);
        if !repeats {
            tracing::error!(vhost = &*self.vhost, error = failure, wait = ?wait, "nothing is recorded: trying again");
            self.logged = Some((failure.to_owned(), now));
        }
    }
}
