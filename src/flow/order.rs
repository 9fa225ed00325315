//! An order: its messages, and the statuses they announce.

use std::collections::BTreeMap;

use crate::config;
use crate::model::{MessageKey, Seq, Str, Timestamp};

use super::hop::Hop;
use super::message::Message;
use super::sight::OutOfSight;

/// Sources and services lag. A lower-ranked status that is announced within this time after the order's own was only
/// seen late.
const SKEW: std::time::Duration = std::time::Duration::from_secs(10);

/// A status that was announced for an order.
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
    /// Statuses of messages that are not held.
    announced: Vec<Status>,
}

impl Messages {
    pub(super) fn new(held: BTreeMap<MessageKey, Message>, announced: Vec<Status>) -> Messages {
        Messages { held, announced }
    }

    /// Joins events, and holds all messages. Events that belong to no message are left out.
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

    /// The statuses that the messages announce, oldest first. A status that is announced twice in a row appears once.
    pub(super) fn statuses(&self, settings: &config::Flow) -> Vec<Status> {
        let hops = self.held.values().flat_map(|message| &message.hops);
        entered(self.announced.iter().cloned().chain(hops.filter_map(announced)).collect(), settings)
    }

    /// Marks the deliveries of sessions that the proxy lost sight of. It is not known whether a consumer still holds
    /// them.
    pub(super) fn lose_sight(&mut self, out_of_sight: &OutOfSight) {
        let hops = self.held.values_mut().flat_map(|message| &mut message.hops);
        hops.flat_map(|hop| &mut hop.legs).for_each(|leg| leg.lose_sight(out_of_sight));
    }

    /// Marks each dead-lettered or unroutable message before the order's latest status change as resolved: the order
    /// went on.
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

/// The announced statuses that an order entered, oldest first.
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

/// The effect of an announced status on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The order enters the status.
    Enters,
    /// The order is in the status already.
    Stays,
    /// The order was in the status before its current one. The announcement was only seen late.
    Passed,
}

/// The effect of the announced status `next` on an order in `current`.
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
    // A message that the broker moved announces no status.
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

/// `status` is declared before `other`. An undeclared status has no rank.
pub(super) fn ranks_below(status: &Str, other: &Str, settings: &config::Flow) -> bool {
    let rank = |status: &Str| settings.statuses.iter().position(|declared| declared.status == *status);
    rank(status).zip(rank(other)).is_some_and(|(rank, other)| rank < other)
}

/// The status ends an order.
pub(super) fn is_final(status: &Str, settings: &config::Flow) -> bool {
    settings.completed.contains(status)
}

/// The longest time that an order may stay in a status; `None` if there is no limit.
pub(super) fn deadline(status: &Str, settings: &config::Flow) -> Option<std::time::Duration> {
    settings.statuses.iter().find(|declared| declared.status == *status)?.stalled_after
}

/// The status that is declared after `status`.
pub(super) fn follows<'a>(status: &Str, settings: &'a config::Flow) -> Option<&'a Str> {
    let own = settings.statuses.iter().position(|declared| declared.status == *status)?;
    settings.statuses.get(own + 1).map(|declared| &declared.status)
}
