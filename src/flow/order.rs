//! An order: its messages, and the statuses they announce.

use std::collections::BTreeMap;

use crate::config;
use crate::model::{Event, MessageKey, Seq, Str, Timestamp};

use super::message::{Hop, Message};

/// Publishes that sources saw within this time of each other may have happened in the other order: a source can lag.
const SKEW: std::time::Duration = std::time::Duration::from_secs(1);

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
pub(super) struct Messages(BTreeMap<MessageKey, Message>);

impl Messages {
    /// Joins events; those that belong to no message are left out.
    pub(super) fn join<'a>(events: impl IntoIterator<Item = &'a Event>) -> Messages {
        let mut messages = Messages::default();
        for event in events {
            if let Some(key) = event.message_key() {
                let message = messages.0.entry(key.clone()).or_insert_with(|| Message::new(key));
                message.apply(event);
            }
        }
        messages
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.values()
    }

    /// All hops with their messages, oldest first.
    pub(super) fn hops(&self) -> Vec<(&Message, &Hop)> {
        let mut hops: Vec<_> =
            self.0.values().flat_map(|message| message.hops.iter().map(move |hop| (message, hop))).collect();
        hops.sort_by_key(|(_, hop)| (hop.published_at.unwrap_or(hop.first_at), hop.events.first().copied()));
        hops
    }

    /// The statuses that the messages announce, oldest first; one that is announced again at once stands once.
    pub(super) fn statuses(&self, settings: &config::Flow) -> Vec<Status> {
        let mut statuses: Vec<Status> = self.hops().into_iter().filter_map(|(_, hop)| announced(hop)).collect();
        for index in 1..statuses.len() {
            if let Some([earlier, later]) = statuses.get_mut(index - 1..=index)
                && later.at.since(earlier.at) < SKEW
                && ranks_below(&later.status, &earlier.status, settings)
            {
                std::mem::swap(earlier, later);
            }
        }
        statuses.dedup_by(|later, earlier| later.status == earlier.status);
        statuses
    }

    /// What was given up or lost before the order's latest status change is made good by it: the order went on.
    pub(super) fn resolve(&mut self, statuses: &[Status]) {
        let Some(newest) = statuses.last() else { return };
        for hop in self.0.values_mut().flat_map(|message| &mut message.hops) {
            hop.resolved |= hop.unroutable && hop.published_at.is_some_and(|at| at < newest.at);
            for leg in &mut hop.legs {
                leg.resolved |= leg.death.as_ref().is_some_and(|(at, _)| *at < newest.at);
            }
        }
    }
}

fn announced(hop: &Hop) -> Option<Status> {
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
