//! The verdict on an order or a message, from its hops and statuses.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config;
use crate::model::verdict::{
    Answer, Completion, DeadLetter, Delivery, Fate, GivenBack, Hold, Mention, Newest, Sent, Stay, Verdict, Wait,
};
use crate::model::{Death, LegState, SettlementKind, Str, Subject, Timestamp};

use super::hop::{self, Hop};
use super::leg::Leg;
use super::message::Message;
use super::order::{Messages, Status, deadline, follows, is_final};
use super::stalled::{Trouble, severity, troubles};

/// The verdict on an order, or on one message. For a message, `statuses` is empty.
pub(super) fn judge(
    subject: &Subject,
    messages: &Messages,
    statuses: &[Status],
    settings: &config::Flow,
    now: Timestamp,
) -> Verdict {
    let several = messages.iter().count() > 1;
    let mention = |message: &Message| match subject {
        Subject::Message(_) => Mention::Alone,
        Subject::Order(_) if several => Mention::ById(message.key.clone()),
        Subject::Order(_) => Mention::OfOrder,
    };
    let all = messages.iter().flat_map(|message| troubles(message, settings, now).map(move |it| (message, it)));
    let worst = all.max_by_key(|(_, trouble)| (severity(trouble.state()), trouble.since()));
    let trouble = worst.map(|(message, trouble)| of_trouble(message, &trouble, mention(message), now));
    let newest = statuses.last();
    if let Some(last) = newest.filter(|status| is_final(&status.status, settings)) {
        return Verdict::Completed(completion(statuses, last, trouble));
    }
    if let Some(trouble) = trouble {
        return trouble;
    }
    if let Some(status) = newest {
        return in_status(status, newest_step(messages), settings, now);
    }
    without_status(messages, mention, settings, now)
}

/// The verdict for a trouble.
pub(super) fn of_trouble(message: &Message, trouble: &Trouble<'_>, mention: Mention, now: Timestamp) -> Verdict {
    match *trouble {
        Trouble::Undelivered { hop, leg, since, deadline } => {
            Verdict::Undelivered(wait(mention, hop, &[leg], since, deadline, now))
        }
        Trouble::Unsettled { leg, since, deadline, .. } => Verdict::Unsettled(hold(mention, leg, since, deadline, now)),
        Trouble::Dead { leg, since, death, .. } => {
            Verdict::DeadLettered(dead_letter(message, leg, death, since, mention))
        }
        Trouble::Unroutable { hop, since } => Verdict::Unroutable(Sent { at: since, ..sent(mention, hop) }),
    }
}

/// The verdict on an order by its status alone.
pub(super) fn in_status(status: &Status, newest: Option<Newest>, settings: &config::Flow, now: Timestamp) -> Verdict {
    let (lasts, limit) = (now.since(status.at), deadline(&status.status, settings));
    let stay = Stay {
        status: status.status.clone(),
        since: status.at,
        lasts,
        limit,
        follows: follows(&status.status, settings).cloned(),
        newest,
    };
    if limit.is_some_and(|limit| lasts > limit) { Verdict::Overdue(stay) } else { Verdict::InStatus(stay) }
}

fn completion(statuses: &[Status], last: &Status, but: Option<Verdict>) -> Completion {
    let first = statuses.first().filter(|first| *first != last);
    Completion {
        status: last.status.clone(),
        at: last.at,
        first: first.map(|first| (first.status.clone(), last.at.since(first.at))),
        but: but.map(Box::new),
    }
}

fn dead_letter(message: &Message, leg: &Leg, death: &Death, at: Timestamp, mention: Mention) -> DeadLetter {
    DeadLetter {
        message: mention,
        queue: leg.queue.clone(),
        reason: death.reason.clone(),
        times: death.count.max(1),
        deliveries: leg.deliveries(),
        consumer: name(leg),
        at,
        fate: fate(message, leg),
    }
}

/// The fate of a message after a queue dead-lettered it.
fn fate(message: &Message, leg: &Leg) -> Fate {
    let died_at = leg.death.as_deref().map(|(at, _)| *at);
    let followed = |hop: &&Hop| hop.dead_lettered_from.as_ref() == Some(&leg.queue) && hop.published_at >= died_at;
    let Some(hop) = message.hops.iter().find(followed) else { return Fate::Unseen };
    let Some(taken) = hop.legs.iter().find(|leg| leg.deliveries() > 0) else {
        return if hop.exchange.is_some() { Fate::Waits } else { Fate::Unseen };
    };
    match taken.state() {
        LegState::Unsettled => Fate::Held(name(taken)),
        LegState::Dropped => Fate::Refused(name(taken)),
        LegState::Waiting => Fate::GivenBack(name(taken)),
        LegState::Delivered | LegState::Settled | LegState::DeadLettered => Fate::Taken(name(taken)),
    }
}

/// The wait of a hop in these queues. There is at least one queue.
fn wait(message: Mention, hop: &Hop, legs: &[&Leg], since: Timestamp, limit: Duration, now: Timestamp) -> Wait {
    let given_back = legs.iter().find_map(|leg| given_back(leg).map(|back| (&leg.queue, back)));
    let queue = given_back.as_ref().map(|(queue, _)| *queue).or(legs.first().map(|leg| &leg.queue));
    Wait {
        message,
        queue: queue.cloned().unwrap_or_default(),
        queues: legs.len() as u64,
        since,
        lasts: now.since(since),
        limit,
        given_back: given_back.map(|(_, back)| back),
        answer: answer(hop),
    }
}

fn hold(message: Mention, leg: &Leg, since: Timestamp, limit: Duration, now: Timestamp) -> Hold {
    Hold { message, consumer: name(leg), queue: leg.queue.clone(), since, lasts: now.since(since), limit }
}

fn sent(message: Mention, hop: &Hop) -> Sent {
    Sent {
        message,
        publisher: hop.service.clone().or_else(|| hop.client_name.clone()),
        exchange: hop.exchange.clone(),
        routing_key: hop.routing_key.clone(),
        at: hop.published_at.unwrap_or(hop.first_at),
        answer: answer(hop),
    }
}

/// The broker's answer to the publisher.
fn answer(hop: &Hop) -> Answer {
    match hop.answer {
        _ if hop.returned.is_some() => Answer::Returned,
        hop::Answer::Unknown => Answer::Unknown,
        hop::Answer::Awaited => Answer::Awaited,
        hop::Answer::Confirmed(_) => Answer::Confirmed,
        hop::Answer::Refused(_) => Answer::Refused,
    }
}

/// The consumer of the latest delivery, if that delivery ended with a requeue.
fn given_back(leg: &Leg) -> Option<GivenBack> {
    let (_, settlement) = leg.settled().filter(|(_, settlement)| settlement.is_requeued())?;
    Some(GivenBack { consumer: name(leg), times: leg.given_back().max(1), kind: settlement.kind })
}

/// The name of the consumer that got the latest delivery: its service, else its client name.
fn name(leg: &Leg) -> Option<Str> {
    let consumer = leg.consumer();
    consumer.service.or(consumer.client_name)
}

/// The state and the queue of an order's newest message.
fn newest_step(messages: &Messages) -> Option<Newest> {
    let hops = messages.hops();
    let (message, hop) = hops.iter().rev().find(|(_, hop)| hop.dead_lettered_from.is_none() && !hop.legs.is_empty())?;
    let waits = |leg: &&Leg| leg.state() == LegState::Waiting && !message.is_made_up_for(hop, leg);
    if let Some(leg) = hop.legs.iter().find(waits) {
        return Some(Newest::Waits(leg.queue.clone(), given_back(leg)));
    }
    let (_, leg) = hop.legs.iter().filter_map(|leg| Some((leg.delivered_at()?, leg))).max_by_key(|(at, _)| *at)?;
    let (who, queue) = (name(leg), leg.queue.clone());
    Some(match leg.state() {
        LegState::Unsettled => Newest::Held(who, queue),
        LegState::Dropped => Newest::Refused(who, queue),
        _ if leg.is_out_of_sight() => Newest::OutOfSight(who, queue),
        _ => Newest::Taken(who, queue),
    })
}

/// The verdict on a message on its own, or on an order whose messages announce no status.
fn without_status(
    messages: &Messages,
    mention: impl Fn(&Message) -> Mention,
    settings: &config::Flow,
    now: Timestamp,
) -> Verdict {
    let hops = messages.hops();
    let published = hops.iter().rfind(|(_, hop)| hop.dead_lettered_from.is_none());
    let Some((message, hop)) = published.or(hops.last()) else { return Verdict::Unobserved };
    // After a death, the broker moves a message back to a queue. Such a hop counts, unless it waits.
    let legs = |wanted: LegState| -> Vec<Placed<'_>> {
        let legs = hops.iter().flat_map(|(message, hop)| hop.legs.iter().map(move |leg| (*message, *hop, leg)));
        let waits = wanted == LegState::Waiting;
        let counts = |(message, hop, leg): &Placed<'_>| {
            leg.state() == wanted && !(waits && (hop.dead_lettered_from.is_some() || message.is_made_up_for(hop, leg)))
        };
        legs.filter(counts).collect()
    };
    let waiting = legs(LegState::Waiting);
    if let Some((message, hop, leg)) = waiting.first() {
        let since = leg.settled().map_or(hop.published_at.unwrap_or(hop.first_at), |(at, _)| at);
        let own = waiting.iter().filter(|(_, other, _)| std::ptr::eq(*other, *hop));
        let waiting: Vec<&Leg> = own.map(|(_, _, leg)| *leg).collect();
        return Verdict::Waiting(wait(mention(message), hop, &waiting, since, settings.undelivered_after, now));
    }
    let held =
        legs(LegState::Unsettled).into_iter().filter_map(|(message, _, leg)| Some((leg.delivered_at()?, message, leg)));
    if let Some((since, message, leg)) = held.min_by_key(|(at, ..)| *at) {
        return Verdict::Held(hold(mention(message), leg, since, settings.unsettled_after, now));
    }
    let delivered = legs(LegState::Delivered);
    let lost: Vec<Placed<'_>> = delivered.iter().filter(|(_, _, leg)| leg.is_out_of_sight()).copied().collect();
    if let Some(delivery) = delivery(&lost, &mention) {
        return Verdict::OutOfSight(delivery);
    }
    if let Some(delivery) = delivery(&[delivered, legs(LegState::Settled)].concat(), &mention) {
        return Verdict::Delivered(delivery);
    }
    if let Some(delivery) = delivery(&legs(LegState::Dropped), &mention) {
        return Verdict::Refused(delivery);
    }
    Verdict::Sent(sent(mention(message), hop))
}

/// A leg with its hop and its message.
type Placed<'a> = (&'a Message, &'a Hop, &'a Leg);

/// The latest of these deliveries.
fn delivery(taken: &[Placed<'_>], mention: &impl Fn(&Message) -> Mention) -> Option<Delivery> {
    let latest = taken.iter().filter_map(|(message, _, leg)| Some((leg.delivered_at()?, *message, *leg)));
    let (taken_at, message, leg) = latest.max_by_key(|(at, ..)| *at)?;
    let own = taken.iter().filter(|(other, ..)| other.key == message.key);
    let queues: BTreeSet<&Str> = own.map(|(_, _, leg)| &leg.queue).collect();
    let settled = leg.settled();
    let acknowledged = settled.is_some_and(|(_, settlement)| settlement.kind == SettlementKind::Ack);
    Some(Delivery {
        message: mention(message),
        consumer: name(leg),
        queue: leg.queue.clone(),
        queues: queues.len() as u64,
        at: settled.filter(|_| !acknowledged).map_or(taken_at, |(at, _)| at),
        // With `no-ack`, a delivery counts as acknowledged at once.
        held: leg.held().filter(|held| acknowledged && !held.is_zero()),
    })
}
