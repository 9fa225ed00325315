//! The bindings of one tap queue: the plan, and its execution.

use std::collections::{BTreeMap, BTreeSet};

use lapin::Connection;

use super::discovery::Snapshot;
use super::topology::Plan;
use super::tracing_switch;
use crate::broker::{ACCESS_REFUSED, AmqpError, Bind, Binder, NOT_FOUND};
use crate::model::Source;

/// Where the plugin `rabbitmq_event_exchange` publishes.
pub(super) const EVENT_EXCHANGE: &str = "amq.rabbitmq.event";

/// The bindings that the queue of a source should have.
pub(super) fn plan(source: Source, snapshot: &Snapshot) -> Plan {
    let fixed = |exchange: &str, keys: &[&str]| {
        let bind = |key: &&str| Bind { exchange: exchange.to_owned(), routing_key: (*key).to_owned() };
        Plan { binds: keys.iter().map(bind).collect(), ..Plan::default() }
    };
    match source {
        Source::Firehose => fixed(tracing_switch::EXCHANGE, &["publish.#", "deliver.#"]),
        Source::Events => fixed(EVENT_EXCHANGE, &["#"]),
        Source::DeadLetter => snapshot.plans.dead_letter.clone(),
        _ => snapshot.plans.binding.clone(),
    }
}

/// The bindings of one queue on one connection.
pub(super) struct Bindings<'a> {
    connection: &'a Connection,
    queue: String,
    /// Bindings that the look before found to be too much.
    surplus: BTreeSet<Bind>,
}

impl<'a> Bindings<'a> {
    /// Of `queue`.
    pub fn new(connection: &'a Connection, queue: String) -> Self {
        Bindings { connection, queue, surplus: BTreeSet::new() }
    }

    /// Adds bindings that are missing and removes surplus ones; gives the exchanges that are bound. A refusal of the
    /// broker becomes a problem of its exchange.
    ///
    /// A surplus binding is removed one look later. By then, another source that takes the exchange over has bound it.
    pub async fn adjust(
        &mut self,
        plan: &Plan,
        current: Option<&BTreeSet<Bind>>,
        problems: &mut BTreeMap<String, String>,
    ) -> Result<BTreeSet<String>, AmqpError> {
        let mut binder = Binder::new(self.connection, &self.queue);
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
                // A binding that is gone with its exchange needs no unbinding.
                Ok(()) | Err(AmqpError::Refused { .. }) => {}
                Err(lost) => return Err(lost),
            }
        }
        let exchanges =
            plan.exchanges().into_iter().filter(|name| !refused.contains(name)).map(str::to_owned).collect();
        self.surplus = surplus;
        Ok(exchanges)
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
