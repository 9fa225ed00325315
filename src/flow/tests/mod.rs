//! Histories of messages, reported by sources that lag behind each other, and the expected trails.

mod engine;
mod headlines;
mod histories;
mod long;
mod proxied;
mod proxied_histories;
mod sentences;
mod sight;
mod table;
mod verdicts;

use std::time::Duration;

use crate::config;
use crate::model::{
    Death, Event, Kind, LegState, MessageKey, Seq, Settlement, SettlementKind, Source, State, Str, Subject, Timestamp,
    Trail, Value, Verdict,
};
use crate::show::Words;

use super::history::History;
use super::message::Message;
use super::sight::OutOfSight;

/// 2026-11-21 02:00:00 UTC.
const START: i64 = 1_795_226_400_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(START + millis * 1000)
}

fn event(kind: Kind, source: Source, exchange: &str, key: &str) -> Event {
    let mut event = Event::new(kind, source, at(0));
    event.vhost = Some("/".into());
    event.exchange = Some(exchange.into());
    event.routing_key = Some(key.into());
    event.message_id = Some("m-1".into());
    event
}

/// The firehose sees a publish with its queues.
fn publish(exchange: &str, key: &str, queues: &[&str]) -> Event {
    let mut event = event(Kind::Publish, Source::Firehose, exchange, key);
    event.routed_queues = Some(queues.iter().map(|queue| Str::from(*queue)).collect());
    event
}

fn deliver(exchange: &str, key: &str, queue: &str) -> Event {
    let mut event = event(Kind::Deliver, Source::Firehose, exchange, key);
    event.queue = Some(queue.into());
    event.redelivered = Some(false);
    event
}

/// `event`, as a source sees a redelivery.
fn again(mut event: Event) -> Event {
    event.redelivered = Some(true);
    event
}

/// `event`, of a message that a queue has dead-lettered before.
fn moved(mut event: Event) -> Event {
    event.headers = vec![("x-death".into(), Value::List(vec![]))];
    event
}

fn by(source: Source, mut event: Event) -> Event {
    event.source = source;
    if source != Source::Firehose {
        event.routed_queues = None;
    }
    event
}

/// `queue` dead-lettered a message that had been published to `from`, and the broker sent it to `to`.
fn death(queue: &str, reason: &str, count: u64, from: (&str, &str), to: (&str, &str)) -> Event {
    let mut event = event(Kind::DeadLetter, Source::DeadLetter, to.0, to.1);
    event.queue = Some(queue.into());
    let (reason, exchange) = (reason.into(), from.0.into());
    let routing_keys = vec![from.1.into()];
    event.death = Some(Death { queue: queue.into(), reason, exchange, routing_keys, count, first_at: None });
    event
}

fn settle(queue: &str, kind: SettlementKind, requeue: bool) -> Event {
    let mut event = event(Kind::Settle, Source::Proxy, "", "");
    (event.exchange, event.routing_key, event.queue) = (None, None, Some(queue.into()));
    event.settlement = Some(Settlement { kind, requeue, multiple: false });
    event
}

/// Numbers the events, and places each a second after the one before.
fn journal(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let numbered = events.into_iter().zip(1..).map(|(mut event, number)| {
        event.seq = Seq(number);
        event.at = at(i64::try_from(number).expect("few") * 1000);
        event
    });
    numbered.collect()
}

fn join(events: &[Event]) -> Message {
    let mut message = Message::new(MessageKey::Id("m-1".into()));
    for event in events {
        message.apply(event);
    }
    message
}

/// The hops, one line each: the exchange, the queue that dead-lettered the message, and the state in each queue.
fn told(message: &Message) -> Vec<String> {
    let hop = |hop: &super::hop::Hop| {
        let from = hop.dead_lettered_from.as_ref().map_or(String::new(), |queue| format!(" <{queue}"));
        let mut legs: Vec<String> = hop
            .legs
            .iter()
            .map(|leg| {
                let resolved = if leg.resolved { "+" } else { "" };
                format!(" {}:{}{resolved}*{}", leg.queue, leg.state().name(), leg.deliveries())
            })
            .collect();
        legs.sort();
        format!("{}{from}{}", hop.exchange.as_deref().unwrap_or("?"), legs.concat())
    };
    message.hops.iter().map(hop).collect()
}

/// The message of these histories.
fn message() -> Subject {
    Subject::Message(MessageKey::Id("m-1".into()))
}

/// The order of the histories that have one.
fn order() -> Subject {
    Subject::Order("JW-1".into())
}

/// The trail as of a second after the start.
fn trail_of(subject: Subject, events: &[Event], out_of_sight: &OutOfSight, seconds: i64) -> Trail {
    let settings = settings();
    let history = History::of(events, &settings);
    super::trail::build(subject, history, out_of_sight, &settings, at(seconds * 1000))
}

/// The headline of a verdict, as a reader gets it.
fn headline(verdict: &Verdict) -> String {
    Words::english().headline(verdict)
}

fn state_of(message: &Message, queue: &str) -> LegState {
    let queue = Str::from(queue);
    message.hops.iter().find_map(|hop| hop.leg(&queue)).expect("the queue has it").state()
}

fn settings() -> config::Flow {
    let status = |status: &str, seconds: Option<u64>| config::StatusDeadline {
        status: status.into(),
        stalled_after: seconds.map(Duration::from_secs),
    };
    config::Flow {
        statuses: vec![status("SUBMITTED", Some(60)), status("STARTED", Some(120)), status("SHIPPED", None)],
        completed: vec!["SHIPPED".into()],
        undelivered_after: Duration::from_secs(600),
        unsettled_after: Duration::from_secs(900),
        follow_for: Duration::from_secs(86_400),
        messages_max: 1000,
        orders_max: 1000,
    }
}

#[test]
fn a_death_that_is_seen_late_does_not_move_before_what_the_order_did_in_the_same_second() {
    let mut submitted = publish("orders", "submitted", &["crm"]);
    submitted.message_id = Some("m-0".into());
    submitted.status = Some("SUBMITTED".into());
    let mut sent = publish("payments", "capture", &["crm.payments"]);
    let mut taken = deliver("payments", "capture", "crm.payments");
    let mut dead = death("crm.payments", "rejected", 1, ("payments", "capture"), ("", "failed"));
    dead.source = Source::Firehose;
    dead.observed_late = true;
    // The broker gives whole seconds.
    dead.death.as_mut().expect("a death").first_at = Some(at(10_000));
    let events = [&mut submitted, &mut sent, &mut taken, &mut dead].into_iter().zip([10_500, 10_600, 10_601, 10_900]);
    let events: Vec<Event> = events
        .zip(1..)
        .map(|((event, millis), seq)| {
            event.order_id = Some("JW-1".into());
            (event.at, event.seq) = (at(millis), Seq(seq));
            event.clone()
        })
        .collect();
    let trail = trail_of(order(), &events, &OutOfSight::default(), 11);
    assert_eq!(trail.verdict.state(), State::DeadLettered, "{:?}", trail.verdict);
}
