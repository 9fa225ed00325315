//! One line of the stalled report: found, compared with the question, and put into words last.

use std::time::Duration;

use crate::config;
use crate::model;
use crate::model::{Seq, StalledReason, Str, Timestamp};

use super::message::Message;
use super::order::{Status, deadline, is_final};
use super::stalled::Trouble;
use super::stalled_query::StalledQuery;
use super::verdict::tell;
use super::words::{moment, span};

/// Something that is past its deadline.
pub(super) enum Stalled<'a> {
    /// A message, and what is wrong with it.
    Message(&'a Message, Trouble<'a>),
    /// An order, where it is, and how long it may be there.
    Order(&'a Str, &'a Status, Duration),
}

impl<'a> Stalled<'a> {
    /// The order, where it has been in its status for too long.
    pub(super) fn order(id: &'a Str, status: &'a Status, settings: &config::Flow, now: Timestamp) -> Option<Self> {
        let limit = deadline(&status.status, settings).filter(|_| !is_final(&status.status, settings))?;
        (now.since(status.at) > limit).then_some(Stalled::Order(id, status, limit))
    }

    /// What it is ordered by: the oldest first.
    pub(super) fn age(&self) -> (Timestamp, Seq) {
        match self {
            Stalled::Message(_, trouble) => (trouble.since(), last_seen(trouble)),
            Stalled::Order(_, status, _) => (status.at, status.seq),
        }
    }

    /// It is what was asked for.
    pub(super) fn matches(&self, query: &StalledQuery) -> bool {
        let is = |wanted: &Option<String>, value: Option<&Str>| {
            wanted.as_ref().is_none_or(|wanted| value.is_some_and(|value| **value == **wanted))
        };
        let (queue, service, status) = match self {
            Stalled::Message(_, trouble) => {
                (trouble.queue(), trouble.hop().service.as_ref(), trouble.hop().status.as_ref())
            }
            Stalled::Order(_, status, _) => (None, status.service.as_ref(), Some(&status.status)),
        };
        let holder = match self {
            Stalled::Message(_, trouble) => trouble.holder(),
            Stalled::Order(..) => None,
        };
        let held_by = holder.as_ref().and_then(|consumer| consumer.service.as_ref());
        let of_service = is(&query.service, service) || is(&query.service, held_by);
        is(&query.queue, queue) && of_service && is(&query.status, status)
    }

    /// The line.
    pub(super) fn tell(&self, now: Timestamp) -> model::Stalled {
        match self {
            Stalled::Message(message, trouble) => of_message(message, trouble, now),
            Stalled::Order(id, status, limit) => of_order(id, status, *limit, now),
        }
    }
}

fn last_seen(trouble: &Trouble<'_>) -> Seq {
    trouble.hop().events.last().copied().unwrap_or_default()
}

fn of_message(message: &Message, trouble: &Trouble<'_>, now: Timestamp) -> model::Stalled {
    let hop = trouble.hop();
    let deadline = match trouble {
        Trouble::Undelivered { deadline, .. } | Trouble::Unsettled { deadline, .. } => Some(*deadline),
        Trouble::Dead { .. } | Trouble::Unroutable { .. } => None,
    };
    model::Stalled {
        reason: trouble.reason(),
        text: tell(message, trouble, now),
        since: trouble.since(),
        lasts: now.since(trouble.since()),
        deadline,
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

fn of_order(id: &Str, status: &Status, limit: Duration, now: Timestamp) -> model::Stalled {
    let (since, stay) = (status.at, now.since(status.at));
    let text = format!(
        "Order {id} has been in status {} since {}, for {}; {} is the limit.",
        status.status,
        moment(since),
        span(stay),
        span(limit)
    );
    model::Stalled {
        reason: StalledReason::Status,
        text,
        since,
        lasts: stay,
        deadline: Some(limit),
        order_id: Some(id.clone()),
        service: status.service.clone(),
        status: Some(status.status.clone()),
        seq: status.seq,
        ..model::Stalled::default()
    }
}
