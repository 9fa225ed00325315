//! One line of the stalled report. An item is found first, then compared with the query, and gets its verdict last.

use crate::config;
use crate::model;
use crate::model::verdict::Mention;
use crate::model::{Seq, StalledReason, Str, Timestamp};

use super::message::Message;
use super::order::{Status, deadline, is_final};
use super::stalled::Trouble;
use super::stalled_query::StalledQuery;
use super::verdict::{in_status, of_trouble};

/// An item past its deadline.
pub(super) enum Stalled<'a> {
    /// A message, and its trouble.
    Message(&'a Message, Trouble<'a>),
    /// An order, and its status.
    Order(&'a Str, &'a Status),
}

impl<'a> Stalled<'a> {
    /// The order, if it has been in its status for too long.
    pub(super) fn order(id: &'a Str, status: &'a Status, settings: &config::Flow, now: Timestamp) -> Option<Self> {
        let limit = deadline(&status.status, settings).filter(|_| !is_final(&status.status, settings))?;
        (now.since(status.at) > limit).then_some(Stalled::Order(id, status))
    }

    /// The key that sorts the report, oldest item first.
    pub(super) fn age(&self) -> (Timestamp, Seq) {
        match self {
            Stalled::Message(_, trouble) => (trouble.since(), last_seen(trouble)),
            Stalled::Order(_, status) => (status.at, status.seq),
        }
    }

    /// The item matches the query.
    pub(super) fn matches(&self, query: &StalledQuery) -> bool {
        let is = |wanted: &Option<String>, value: Option<&Str>| {
            wanted.as_ref().is_none_or(|wanted| value.is_some_and(|value| **value == **wanted))
        };
        let (queue, service, status) = match self {
            Stalled::Message(_, trouble) => {
                (trouble.queue(), trouble.hop().service.as_ref(), trouble.hop().status.as_ref())
            }
            Stalled::Order(_, status) => (None, status.service.as_ref(), Some(&status.status)),
        };
        let holder = match self {
            Stalled::Message(_, trouble) => trouble.holder(),
            Stalled::Order(..) => None,
        };
        let held_by = holder.as_ref().and_then(|consumer| consumer.service.as_ref());
        let of_service = is(&query.service, service) || is(&query.service, held_by);
        is(&query.queue, queue) && of_service && is(&query.status, status)
    }

    /// The item's line in the report.
    pub(super) fn tell(&self, settings: &config::Flow, now: Timestamp) -> model::Stalled {
        match self {
            Stalled::Message(message, trouble) => of_message(message, trouble, now),
            Stalled::Order(id, status) => of_order(id, status, settings, now),
        }
    }
}

fn last_seen(trouble: &Trouble<'_>) -> Seq {
    trouble.hop().events.last().copied().unwrap_or_default()
}

fn of_message(message: &Message, trouble: &Trouble<'_>, now: Timestamp) -> model::Stalled {
    let hop = trouble.hop();
    let mention = if hop.order_id.is_some() { Mention::OfOrder } else { Mention::Alone };
    let verdict = of_trouble(message, trouble, mention, now);
    model::Stalled {
        reason: trouble.reason(),
        since: trouble.since(),
        lasts: now.since(trouble.since()),
        deadline: verdict.limit(),
        verdict,
        order_id: hop.order_id.clone(),
        message: Some(message.key.clone()),
        queue: trouble.queue().cloned(),
        consumer: trouble.holder(),
        exchange: hop.exchange.clone(),
        service: hop.service.clone(),
        status: hop.status.clone(),
        seq: last_seen(trouble),
    }
}

fn of_order(id: &Str, status: &Status, settings: &config::Flow, now: Timestamp) -> model::Stalled {
    let verdict = in_status(status, None, settings, now);
    model::Stalled {
        reason: StalledReason::Status,
        since: status.at,
        lasts: now.since(status.at),
        deadline: verdict.limit(),
        verdict,
        order_id: Some(id.clone()),
        service: status.service.clone(),
        status: Some(status.status.clone()),
        seq: status.seq,
        ..model::Stalled::default()
    }
}
