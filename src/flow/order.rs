//! An order: its messages, and the statuses they announce.

use std::collections::BTreeMap;

use crate::config;
use crate::model::{MessageKey, Seq, Str, Timestamp};

use super::hop::Hop;
use super::message::Message;
use super::sight::OutOfSight;

/// A status that ranks below the order's own and is announced within this time after it was only seen later: sources
/// and services lag.
const SKEW: std::time::Duration = std::time::Duration::from_secs(10);

/// The order entered a status.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub(super) status: Str,
    pub(super) at: Timestamp,
    pub(super) service: Option<Str>,
    pub(super) seq: Seq,
}

/// The messages of one order, or the one message that was asked for.
#[derive(Debug, Default)]
pub(super) struct Messages {
    held: BTreeMap<MessageKey, Message>,
    /// Statuses that messages announced which are not held.
    announced: Vec<Status>,
}

impl Messages {
    pub(super) fn new(held: BTreeMap<MessageKey, Message>, announced: Vec<Status>) -> Messages {
        Messages { held, announced }
    }

    /// Joins events, and holds all messages; events that belong to no message are left out.
    #[cfg(test)]
    pub(super) fn join<'a>(events: impl IntoIterator<Item = &'a crate::model::Event>) -> Messages {
        let mut messages = Messages::default();
        for event in events {
            if let Some(key) = event.message_key() {
                let message = messages.held.entry(key.clone()).or_insert_with(|| Message::new(key));
                message.apply(event);
            }
        }
        messages
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.held.values()
    }

    /// All hops with their messages, oldest first.
    pub(super) fn hops(&self) -> Vec<(&Message, &Hop)> {
        let mut hops: Vec<_> =
            self.held.values().flat_map(|message| message.hops.iter().map(move |hop| (message, hop))).collect();
        hops.sort_by_key(|(_, hop)| (hop.published_at.unwrap_or(hop.first_at), hop.events.first().copied()));
        hops
    }

    /// The statuses that the messages announce, oldest first; one that is announced again at once stands once.
    pub(super) fn statuses(&self, settings: &config::Flow) -> Vec<Status> {
        let hops = self.held.values().flat_map(|message| &message.hops);
        entered(self.announced.iter().cloned().chain(hops.filter_map(announced)).collect(), settings)
    }

    /// What sessions held that the proxy lost sight of is in nobody's hands for certain.
    pub(super) fn lose_sight(&mut self, out_of_sight: &OutOfSight) {
        let hops = self.held.values_mut().flat_map(|message| &mut message.hops);
        hops.flat_map(|hop| &mut hop.legs).for_each(|leg| leg.lose_sight(out_of_sight));
    }

    /// What was given up or lost before the order's latest status change is made good by it: the order went on.
    pub(super) fn resolve(&mut self, statuses: &[Status]) {
        let Some(newest) = statuses.last() else { return };
        for hop in self.held.values_mut().flat_map(|message| &mut message.hops) {
            hop.resolved |= hop.unroutable && hop.published_at.is_some_and(|at| at < newest.at);
            for leg in &mut hop.legs {
                leg.resolved |= leg.death.as_deref().is_some_and(|(at, _)| *at < newest.at);
            }
        }
    }
}

/// The statuses that an order entered, of those that were announced, oldest first.
pub(super) fn entered(mut announced: Vec<Status>, settings: &config::Flow) -> Vec<Status> {
    announced.sort_by_key(|status| (status.at, status.seq));
    let mut statuses: Vec<Status> = Vec::new();
    for next in announced {
        match statuses.last().map_or(Step::Enters, |current| step(current, &next, settings)) {
            Step::Enters => statuses.push(next),
            Step::Passed => {
                let below = |known: &Status| ranks_below(&known.status, &next.status, settings);
                let known = statuses.iter().any(|known| known.status == next.status);
                let index = statuses.iter().rposition(below).map_or(0, |index| index + 1);
                if !known {
                    statuses.insert(index, next);
                }
            }
            Step::Stays => {}
        }
    }
    statuses
}

/// What an announced status does to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The order enters it.
    Enters,
    /// The order is in it already.
    Stays,
    /// The order had been in it before its current one; it was only seen later.
    Passed,
}

/// What the status that is announced `next` does to an order in `current`.
pub(super) fn step(current: &Status, next: &Status, settings: &config::Flow) -> Step {
    if next.status == current.status {
        Step::Stays
    } else if next.at.since(current.at) < SKEW && ranks_below(&next.status, &current.status, settings) {
        Step::Passed
    } else {
        Step::Enters
    }
}

/// The status that a hop announces.
pub(super) fn announced(hop: &Hop) -> Option<Status> {
    // What the broker moved announces nothing new.
    if hop.dead_lettered_from.is_some() {
        return None;
    }
    Some(Status {
        status: hop.status.clone()?,
        at: hop.published_at.unwrap_or(hop.first_at),
        service: hop.service.clone(),
        seq: hop.events.first().copied().unwrap_or_default(),
    })
}

/// `status` is declared before `other`; of statuses that are not declared nothing is known.
pub(super) fn ranks_below(status: &Str, other: &Str, settings: &config::Flow) -> bool {
    let rank = |status: &Str| settings.statuses.iter().position(|declared| declared.status == *status);
    rank(status).zip(rank(other)).is_some_and(|(rank, other)| rank < other)
}

/// The status ends an order.
pub(super) fn is_final(status: &Str, settings: &config::Flow) -> bool {
    settings.completed.contains(status)
}

/// How long an order may stay in a status.
pub(super) fn deadline(status: &Str, settings: &config::Flow) -> Option<std::time::Duration> {
    settings.statuses.iter().find(|declared| declared.status == *status)?.stalled_after
}

/// The status that is declared after `status`.
pub(super) fn follows<'a>(status: &Str, settings: &'a config::Flow) -> Option<&'a Str> {
    let own = settings.statuses.iter().position(|declared| declared.status == *status)?;
    settings.statuses.get(own + 1).map(|declared| &declared.status)
}
