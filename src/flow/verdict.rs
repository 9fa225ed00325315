//! The verdict: where an order or a message stands, as one sentence for a person.

use crate::config;
use crate::model::{LegState, State, Timestamp};

use super::handling::{acknowledged, ending, refusal, return_to_queue, who, who_exactly};
use super::hop::{Answer, Hop};
use super::leg::Leg;
use super::message::Message;
use super::order::{Messages, Status, deadline, is_final};
use super::stalled::{Trouble, severity, troubles};
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
        Trouble::Undelivered { hop, leg, deadline, .. } => {
            let when = return_to_queue(leg).map_or(String::new(), |text| format!(", when {text}"));
            format!(
                "Stalled: queue {} has not delivered {subject} since {since}{when}, for {lasts}; {} is the limit{}.",
                leg.queue,
                span(*deadline),
                unconfirmed(hop)
            )
        }
        Trouble::Unsettled { leg, deadline, .. } => format!(
            "Stalled: {} took {subject} from queue {} at {since} and has not settled it since, for {lasts}; {} is the \
             limit.",
            who_exactly(leg),
            leg.queue,
            span(*deadline)
        ),
        Trouble::Dead { leg, death, .. } => {
            let verb = if death.count > 1 {
                format!("gave up {subject} {} times, last", death.count)
            } else {
                format!("gave up {subject}")
            };
            let refused = refusal(leg).map_or(String::new(), |text| format!(": {text}"));
            let onward = after_death(message, leg);
            format!(
                "Dead-lettered: queue {} {verb} at {since} because {}{refused}; {onward}.",
                leg.queue,
                because(&death.reason)
            )
        }
        Trouble::Unroutable { hop, .. } => {
            let subject = subject.trim_end_matches(',');
            match hop.returned {
                Some((at, _)) => {
                    let at = moment(at);
                    format!("Unroutable: no queue took {subject}; the broker returned it to its publisher at {at}.")
                }
                None => format!("Unroutable: no queue took {subject}; it was lost at {since}."),
            }
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
    if let Some((leg, at)) = hop.legs.iter().find_map(|leg| leg.delivered_at().map(|at| (leg, at))) {
        return format!("{} took it from queue {} at {}{}", who(leg), leg.queue, moment(at), ending(leg));
    }
    match (&hop.exchange, &hop.routing_key) {
        (Some(exchange), Some(key)) if exchange.is_empty() => format!("it went to queue {key}"),
        (Some(exchange), _) => format!("it went to exchange {exchange}, and nobody has taken it since"),
        _ => "where it went was not seen".to_owned(),
    }
}

/// What the broker did not promise the publisher, where the publisher asked for it.
fn unconfirmed(hop: &Hop) -> String {
    match hop.answer {
        Answer::Refused(at) => format!("; the broker refused it to its publisher at {}", moment(at)),
        Answer::Awaited => "; the broker has not confirmed it to its publisher".to_owned(),
        Answer::Unknown | Answer::Confirmed(_) => String::new(),
    }
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
        text.push_str(&format!(
            " But message {} is {}{queue}.",
            message.key,
            trouble.reason().name().replace('_', "-")
        ));
    }
    text
}

/// What the newest hop waits for.
fn newest_step(messages: &Messages) -> String {
    let hops = messages.hops();
    let newest = hops.iter().rev().find(|(_, hop)| hop.dead_lettered_from.is_none() && !hop.legs.is_empty());
    let Some((message, hop)) = newest else { return String::new() };
    let waits = |leg: &&Leg| leg.state() == LegState::Waiting && !message.is_made_up_for(hop, leg);
    let waiting: Vec<&Leg> = hop.legs.iter().filter(waits).collect();
    if !waiting.is_empty() {
        return format!("; its message waits in {}{}", queues(&waiting), why_it_waits(hop, &waiting));
    }
    let latest = hop.legs.iter().filter_map(|leg| leg.delivered_at().map(|at| (at, leg))).max_by_key(|(at, _)| *at);
    latest.map_or(String::new(), |(at, leg)| {
        format!("; {} took its message from {} at {}{}", who(leg), leg.queue, moment(at), ending(leg))
    })
}

fn queues(legs: &[&Leg]) -> String {
    let names: Vec<&str> = legs.iter().map(|leg| &*leg.queue).collect();
    names.join(" and ")
}

/// Who gave it back to the queues that it waits in, and what the broker did not promise.
fn why_it_waits(hop: &Hop, waiting: &[&Leg]) -> String {
    let given_back = waiting.iter().filter_map(|leg| return_to_queue(leg)).map(|text| format!("; {text}"));
    given_back.chain([unconfirmed(hop)]).collect()
}

/// A message on its own, or an order whose messages announce no status.
fn without_status(messages: &Messages) -> (State, String) {
    let hops = messages.hops();
    let published = hops.iter().rfind(|(_, hop)| hop.dead_lettered_from.is_none());
    let Some((message, hop)) = published.or(hops.last()) else {
        return (State::Unknown, "Unknown: nothing but its name was observed.".to_owned());
    };
    let subject = describe(message, hop);
    let in_state = |wanted: LegState, moved: bool| -> Vec<&Leg> {
        let hops = hops.iter().filter(|(_, hop)| moved || hop.dead_lettered_from.is_none());
        let legs = hops.flat_map(|(message, hop)| hop.legs.iter().map(move |leg| (message, hop, leg)));
        let counts = |message: &Message, hop: &Hop, leg: &Leg| {
            leg.state() == wanted && (wanted != LegState::Waiting || !message.is_made_up_for(hop, leg))
        };
        legs.filter(|(message, hop, leg)| counts(message, hop, leg)).map(|(_, _, leg)| leg).collect()
    };
    let waiting = in_state(LegState::Waiting, false);
    if !waiting.is_empty() {
        let (queues, why) = (queues(&waiting), why_it_waits(hop, &waiting));
        return (State::InFlight, format!("In flight: {subject} waits in {queues}{why}."));
    }
    let took = |leg: &&Leg, end: String| {
        leg.delivered_at().map(|at| format!("{} from {} at {}{end}", who(leg), leg.queue, moment(at)))
    };
    let held: Vec<String> =
        in_state(LegState::Unsettled, true).iter().filter_map(|leg| took(leg, String::new())).collect();
    if !held.is_empty() {
        let takers = held.join(" and by ");
        return (State::InFlight, format!("In flight: {subject} was taken by {takers}, and is not acknowledged yet."));
    }
    let lost: Vec<String> = in_state(LegState::Delivered, true)
        .iter()
        .filter(|leg| leg.is_out_of_sight())
        .filter_map(|leg| took(leg, ending(leg)))
        .collect();
    if !lost.is_empty() {
        return (State::Unknown, format!("Unknown: {subject} was taken by {}.", lost.join(", and by ")));
    }
    // What came back to a queue after a death was moved there by the broker, and counts.
    let taken = in_state(LegState::Delivered, true).into_iter().chain(in_state(LegState::Settled, true));
    let deliveries: Vec<String> = taken.filter_map(|leg| took(&leg, acknowledged(leg))).collect();
    if !deliveries.is_empty() {
        return (State::Completed, format!("Delivered: {subject} was taken by {}.", deliveries.join(" and by ")));
    }
    let refused = in_state(LegState::Dropped, true);
    if !refused.is_empty() {
        let how: Vec<String> = refused.iter().filter_map(|leg| refusal(leg)).collect();
        let (queues, how) = (queues(&refused), how.join("; "));
        return (
            State::Unknown,
            format!("Unknown: {subject} was refused from {queues}, and nobody saw it since: {how}."),
        );
    }
    let (subject, answer) = (subject.trim_end_matches(','), answer(hop));
    (State::Unknown, format!("Unknown: {subject} was seen, and not what became of it{answer}."))
}

/// What the broker told the publisher.
fn answer(hop: &Hop) -> String {
    match hop.answer {
        Answer::Confirmed(at) => format!("; the broker confirmed it to its publisher at {}", moment(at)),
        Answer::Unknown | Answer::Awaited | Answer::Refused(_) => unconfirmed(hop),
    }
}
