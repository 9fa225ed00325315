//! The plan of the bindings of one vhost's taps, from the topology of the broker and from the settings. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::decode::is_own_queue;
use crate::broker::{Bind, Binding, Exchange, Policy, Queue};
use crate::config::Tap;

/// The topology of a vhost, by the management API.
#[derive(Clone, Debug, Default)]
pub(super) struct Topology {
    pub exchanges: Vec<Exchange>,
    pub queues: Vec<Queue>,
    pub bindings: Vec<Binding>,
    pub policies: Vec<Policy>,
}

/// The bindings that one source should have, and the exchanges that it cannot be bound to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub binds: BTreeSet<Bind>,
    /// By the exchange concerned: why it is not observed. One sentence each.
    pub refused: BTreeMap<String, String>,
}

impl Plan {
    /// The exchanges of the plan, each once.
    pub fn exchanges(&self) -> BTreeSet<&str> {
        self.binds.iter().map(|bind| bind.exchange.as_str()).collect()
    }
}

/// The plans of the sources `binding` and `dead_letter`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plans {
    pub binding: Plan,
    pub dead_letter: Plan,
    /// Exchanges that are, or have been, dead-letter exchanges. They stay with that source while they exist: a queue
    /// that names one may be deleted while its dead letters are still on their way.
    pub dead_letter_names: BTreeSet<String>,
}

/// How messages are had from an exchange of some type.
enum Tapping {
    /// One binding with this key takes all.
    One(&'static str),
    /// The keys of all other bindings are mirrored: a direct exchange has no wildcard.
    Mirror,
    /// Not at all.
    Refused(&'static str),
}

fn tapping(kind: &str) -> Tapping {
    match kind {
        "topic" => Tapping::One("#"),
        // A headers binding without arguments matches every message (AMQP 0-9-1, section 3.1.3.4, `x-match: all` of
        // nothing), a fanout binding whatever its key is.
        "fanout" | "headers" => Tapping::One(""),
        "direct" => Tapping::Mirror,
        "x-random" | "x-local-random" | "x-consistent-hash" | "x-modulus-hash" => Tapping::Refused(
            "it splits messages between its queues, so that the tap would take some from their consumers",
        ),
        "x-recent-history" => Tapping::Refused("it would replay old messages to the tap at every binding"),
        _ => Tapping::Refused("what a binding to it would do is not known"),
    }
}

/// The plans by the topology of the broker.
///
/// `known` are the dead-letter exchanges of the plans before.
pub(super) fn plan(topology: &Topology, tap: &Tap, known: &BTreeSet<String>) -> Plans {
    let exists = |name: &str| topology.exchanges.iter().any(|exchange| exchange.name == name);
    let mut dead_letter_names = dead_letter_exchanges(topology, tap);
    dead_letter_names.extend(known.iter().map(String::as_str).filter(|name| !name.is_empty() && exists(name)));
    let mut plans = Plans::default();
    for exchange in &topology.exchanges {
        if exchange.name.is_empty() || exchange.name.starts_with("amq.rabbitmq.") {
            continue;
        }
        let plan = if dead_letter_names.contains(exchange.name.as_str()) {
            &mut plans.dead_letter
        } else if tap.exchanges.is_match(&exchange.name) && !tap.exclude.is_match(&exchange.name) {
            &mut plans.binding
        } else {
            continue;
        };
        match tapping(&exchange.kind) {
            Tapping::One(key) => {
                plan.binds.insert(Bind { exchange: exchange.name.clone(), routing_key: key.to_owned() });
            }
            Tapping::Mirror => plan.binds.extend(mirror(&exchange.name, &topology.bindings)),
            Tapping::Refused(why) => {
                let text = format!(
                    "exchange {:?} of type {} is not observed by a binding: {why}; the firehose sees it",
                    exchange.name, exchange.kind
                );
                plan.refused.insert(exchange.name.clone(), text);
            }
        }
    }
    for name in tap.exchanges.literals().filter(|name| !exists(name) && !dead_letter_names.contains(name)) {
        let text = format!("exchange {name:?} of tap.exchanges does not exist: it is observed as soon as it does");
        plans.binding.refused.insert(name.to_owned(), text);
    }
    for name in &dead_letter_names {
        if let Some(text) = unseen(name, exists(name), tap) {
            plans.dead_letter.refused.insert((*name).to_owned(), text);
        }
    }
    plans.dead_letter_names = dead_letter_names.into_iter().map(str::to_owned).collect();
    plans
}

/// The plans where nothing can be discovered: only plain names, and their types are not known. `#` takes all of a topic
/// or fanout exchange; bound to a headers exchange it matches all for want of arguments.
pub(super) fn plan_blind(tap: &Tap) -> Plans {
    let bind = |name: &str| Bind { exchange: name.to_owned(), routing_key: "#".to_owned() };
    let mut plans = Plans::default();
    let dead_letter = tap.dead_letter_exchanges.iter().map(String::as_str);
    plans.dead_letter.binds = dead_letter.clone().filter(|name| !name.is_empty()).map(bind).collect();
    for name in tap.exchanges.literals().filter(|name| !tap.exclude.is_match(name)) {
        if !dead_letter.clone().any(|other| other == name) {
            plans.binding.binds.insert(bind(name));
        }
    }
    plans
}

/// Every exchange that messages are dead-lettered to: named in the settings, in arguments of queues, in policies.
fn dead_letter_exchanges<'a>(topology: &'a Topology, tap: &'a Tap) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<&str> = tap.dead_letter_exchanges.iter().map(String::as_str).collect();
    if !tap.discover_dead_letter_exchanges {
        return names;
    }
    let text = |table: &'a Value, key: &str| table.get(key).and_then(Value::as_str);
    for queue in topology.queues.iter().filter(|queue| !is_own_queue(&queue.name)) {
        names.extend(text(&queue.arguments, "x-dead-letter-exchange"));
        names.extend(text(&queue.effective_policy_definition, "dead-letter-exchange"));
    }
    names.extend(topology.policies.iter().filter_map(|policy| text(&policy.definition, "dead-letter-exchange")));
    names
}

/// Why deaths through a dead-letter exchange are seen late or never.
fn unseen(name: &str, exists: bool, tap: &Tap) -> Option<String> {
    if name.is_empty() {
        let how = if tap.firehose {
            "deaths through it are seen when the message is next delivered, by the firehose"
        } else {
            "deaths through it are not seen; the firehose would see them at the next delivery"
        };
        return Some(format!("queues dead-letter through the default exchange, which cannot be bound: {how}"));
    }
    (!exists).then(|| {
        format!(
            "dead-letter exchange {name:?} does not exist: the broker drops what is dead-lettered to it; declare it"
        )
    })
}

fn mirror<'a>(exchange: &'a str, bindings: &'a [Binding]) -> impl Iterator<Item = Bind> + 'a {
    bindings
        .iter()
        .filter(move |binding| binding.source == exchange && !is_tap_binding(binding))
        .map(move |binding| Bind { exchange: exchange.to_owned(), routing_key: binding.routing_key.clone() })
}

fn is_tap_binding(binding: &Binding) -> bool {
    binding.destination_type == "queue" && is_own_queue(&binding.destination)
}

/// The bindings of a tap queue now. Every queue is bound to the default exchange; that binding is not counted.
pub(super) fn bound(bindings: &[Binding], queue: &str) -> BTreeSet<Bind> {
    bindings
        .iter()
        .filter(|binding| {
            binding.destination_type == "queue" && binding.destination == queue && !binding.source.is_empty()
        })
        .map(|binding| Bind { exchange: binding.source.clone(), routing_key: binding.routing_key.clone() })
        .collect()
}

/// Policies that may lose messages of a tap queue.
pub(super) fn policy_problems(queue: &Queue) -> Vec<String> {
    let Some(policy) = queue.effective_policy_definition.as_object() else { return Vec::new() };
    let mut problems = Vec::new();
    for key in ["message-ttl", "max-length", "max-length-bytes", "expires"] {
        if let Some(value) = policy.get(key) {
            problems.push(format!(
                "a policy sets {key} of the tap's queue {:?} to {value}: the tap may lose messages by it; narrow the \
                 policy's pattern so that it does not match {}*",
                queue.name,
                Tap::QUEUE_PREFIX
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests;
