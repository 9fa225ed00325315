//! The verdict: where an order or a message stands, as one sentence for a person.

use crate::config;
use crate::model::api::{LegState, State};
use crate::model::{Str, Timestamp};

use super::hop::{Hop, Leg};
use super::message::Message;
use super::order::{Messages, Status, deadline, is_final};
use super::stalled::{Trouble, leg_state, severity, troubles};
use super::words::{because, moment, span};

/// State and sentence of an order, or of one message where `statuses` is empty.
pub(super) fn judge(
    messages: &Messages,
    statuses: &[Status],
    settings: &config::Flow,
    now: Timestamp,
) -> (State, String) {
    let all = messages.iter().flat_map(|message| troubles(message, settings, now).map(move |it| (message, it)));
    let worst = all.max_by_key(|(_, trouble)| (severity(trouble.state()), trouble.since()));
    let newest = statuses.last();
    if let Some(status) = newest.filter(|status| is_final(&status.status, settings)) {
        return (State::Completed, completed(statuses, status, worst.as_ref()));
    }
    if let Some((message, trouble)) = &worst {
        return (trouble.state(), tell(message, trouble, now));
    }
    if let Some(status) = newest {
        if let Some(limit) = deadline(&status.status, settings).filter(|limit| now.since(status.at) > *limit) {
            let (status_since, stay) = (in_status(status), span(now.since(status.at)));
            return (State::Stalled, format!("Stalled: {status_since}, for {stay}; {} is the limit.", span(limit)));
        }
        return (State::InFlight, format!("In flight: {}{}.", in_status(status), newest_step(messages)));
    }
    without_status(messages)
}

/// One trouble as a sentence.
pub(super) fn tell(message: &Message, trouble: &Trouble<'_>, now: Timestamp) -> String {
    let (subject, since) = (describe(message, trouble.hop()), moment(trouble.since()));
    let lasts = span(now.since(trouble.since()));
    match trouble {
        Trouble::Undelivered { leg, deadline, .. } => format!(
            "Stalled: queue {} has not delivered {subject} since {since}, for {lasts}; {} is the limit.",
            leg.queue,
            span(*deadline)
        ),
        Trouble::Unsettled { leg, deadline, .. } => format!(
            "Stalled: {} took {subject} from queue {} at {since} and has not acknowledged it for {lasts}; {} is the \
             limit.",
            consumer(leg),
            leg.queue,
            span(*deadline)
        ),
        Trouble::Dead { leg, death, .. } => {
            let verb = if death.count > 1 {
                format!("gave up {subject} {} times, last", death.count)
            } else {
                format!("gave up {subject}")
            };
            let onward = after_death(message, leg);
            format!(
                "Dead-lettered: queue {} {verb} at {since} because {}; {onward}.",
                leg.queue,
                because(&death.reason)
            )
        }
        Trouble::Unroutable { .. } => {
            format!("Unroutable: no queue took {}; it was lost at {since}.", subject.trim_end_matches(','))
        }
    }
}

/// The message of a hop: which, who published it, when and where to.
fn describe(message: &Message, hop: &Hop) -> String {
    let mut text = format!("message {}", message.key);
    if let Some(status) = &hop.status {
        text.push_str(&format!(" ({status})"));
    }
    let service = hop.service.as_ref().map_or(String::new(), |service| format!(" by {service}"));
    let place = match (&hop.exchange, &hop.routing_key) {
        (Some(exchange), Some(key)) if exchange.is_empty() => format!(" to queue {key}"),
        (Some(exchange), Some(key)) if key.is_empty() => format!(" to exchange {exchange}"),
        (Some(exchange), Some(key)) => format!(" to exchange {exchange} with key {key}"),
        _ => String::new(),
    };
    match hop.published_at {
        Some(at) => text.push_str(&format!(", published{service}{place} at {},", moment(at))),
        None if !place.is_empty() => text.push_str(&format!(", published{service}{place},")),
        None => {}
    }
    text
}

/// What became of a message after a queue gave it up.
fn after_death(message: &Message, leg: &Leg) -> String {
    let died_at = leg.death.as_deref().map(|(at, _)| *at);
    let followed = |hop: &&Hop| hop.dead_lettered_from.as_ref() == Some(&leg.queue) && hop.published_at >= died_at;
    let onward = message.hops.iter().find(followed);
    let Some(hop) = onward else { return "where it went was not seen".to_owned() };
    if let Some((leg, at)) = hop.legs.iter().find_map(|leg| leg.delivered_at.map(|at| (leg, at))) {
        return format!("{} took it from queue {} at {}", consumer(leg), leg.queue, moment(at));
    }
    match (&hop.exchange, &hop.routing_key) {
        (Some(exchange), Some(key)) if exchange.is_empty() => format!("it went to queue {key}"),
        (Some(exchange), _) => format!("it went to exchange {exchange}, and nobody has taken it since"),
        _ => "where it went was not seen".to_owned(),
    }
}

fn consumer(leg: &Leg) -> Str {
    leg.service.clone().or_else(|| leg.client_name.clone()).unwrap_or_else(|| "a consumer".into())
}

fn in_status(status: &Status) -> String {
    let service = status.service.as_ref().map_or(String::new(), |service| format!(" by {service}"));
    format!("in status {}, announced{service} at {}", status.status, moment(status.at))
}

fn completed(statuses: &[Status], last: &Status, worst: Option<&(&Message, Trouble<'_>)>) -> String {
    let took = match statuses.first() {
        Some(first) if first != last => {
            format!(", {} after {}", span(last.at.since(first.at)), first.status)
        }
        _ => String::new(),
    };
    let service = last.service.as_ref().map_or(String::new(), |service| format!(" by {service}"));
    let mut text = format!("Completed: {}, announced{service} at {}{took}.", last.status, moment(last.at));
    if let Some((message, trouble)) = worst {
        let queue = trouble.queue().map_or(String::new(), |queue| format!(" in queue {queue}"));
        text.push_str(&format!(" But message {} is {}{queue}.", message.key, trouble.reason().replace('_', "-")));
    }
    text
}

/// What the newest hop waits for.
fn newest_step(messages: &Messages) -> String {
    let hops = messages.hops();
    let newest = hops.iter().rev().find(|(_, hop)| hop.dead_lettered_from.is_none() && !hop.legs.is_empty());
    let Some((_, hop)) = newest else { return String::new() };
    let waiting: Vec<&str> =
        hop.legs.iter().filter(|leg| leg_state(leg) == LegState::Waiting).map(|leg| &*leg.queue).collect();
    if !waiting.is_empty() {
        return format!("; its message waits in {}", waiting.join(" and "));
    }
    let latest = hop.legs.iter().filter_map(|leg| leg.delivered_at.map(|at| (at, leg))).max_by_key(|(at, _)| *at);
    latest.map_or(String::new(), |(at, leg)| {
        format!("; {} took its message from {} at {}", consumer(leg), leg.queue, moment(at))
    })
}

/// A message on its own, or an order whose messages announce no status.
fn without_status(messages: &Messages) -> (State, String) {
    let hops = messages.hops();
    let published = hops.iter().rfind(|(_, hop)| hop.dead_lettered_from.is_none());
    let Some((message, hop)) = published.or(hops.last()) else {
        return (State::Unknown, "Unknown: nothing but its name was observed.".to_owned());
    };
    let subject = describe(message, hop);
    let in_state = |wanted: LegState, moved: bool| {
        let hops = hops.iter().filter(move |(_, hop)| moved || hop.dead_lettered_from.is_none());
        hops.flat_map(|(_, hop)| &hop.legs).filter(move |leg| leg_state(leg) == wanted)
    };
    let waiting: Vec<&str> = in_state(LegState::Waiting, false).map(|leg| &*leg.queue).collect();
    if !waiting.is_empty() {
        return (State::InFlight, format!("In flight: {subject} waits in {}.", waiting.join(" and ")));
    }
    if in_state(LegState::Unsettled, true).next().is_some() {
        return (State::InFlight, format!("In flight: {subject} was delivered and is not acknowledged yet."));
    }
    // What came back to a queue after a death was moved there by the broker, and counts.
    let taken = in_state(LegState::Delivered, true).chain(in_state(LegState::Settled, true));
    let deliveries: Vec<String> = taken
        .filter_map(|leg| leg.delivered_at.map(|at| format!("{} from {} at {}", consumer(leg), leg.queue, moment(at))))
        .collect();
    if !deliveries.is_empty() {
        return (State::Completed, format!("Delivered: {subject} was taken by {}.", deliveries.join(" and by ")));
    }
    let refused: Vec<&str> = in_state(LegState::Dropped, true).map(|leg| &*leg.queue).collect();
    if !refused.is_empty() {
        let text = format!("Unknown: {subject} was refused from {}, and nobody saw it since.", refused.join(" and "));
        return (State::Unknown, text);
    }
    let subject = subject.trim_end_matches(',');
    (State::Unknown, format!("Unknown: {subject} was seen, and not what became of it."))
}
