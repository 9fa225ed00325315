//! Deaths that only deliveries reveal.

use crate::model::{Body, Event, Kind, Source, Timestamp, Value};
use crate::wire::DeadLetters;

/// 2026-11-21 02:00:00 UTC.
const START: i64 = 1_795_226_400;

fn none_told() -> DeadLetters {
    // A time within the second in which the first messages die: the broker tells whole seconds.
    DeadLetters::new(Timestamp::from_micros((START + 1) * 1_000_000 + 700_000))
}

/// An entry of `x-death`: a queue, a reason, a count, and the exchange of the publish.
fn died((queue, reason, count, exchange): (&str, &str, i64, &str)) -> Value {
    Value::Table(vec![
        ("queue".into(), Value::Text(queue.into())),
        ("reason".into(), Value::Text(reason.into())),
        ("count".into(), Value::Int(count)),
        ("exchange".into(), Value::Text(exchange.into())),
        ("routing-keys".into(), Value::List(vec![Value::Text("k".into())])),
        ("time".into(), Value::Timestamp(START.unsigned_abs() + 1)),
    ])
}

fn event(kind: Kind, exchange: &str, history: &[(&str, &str, i64, &str)]) -> Event {
    let mut event = Event::new(kind, Source::Proxy, Timestamp::from_micros((START + 5) * 1_000_000));
    (event.exchange, event.routing_key) = (Some(exchange.into()), Some("k".into()));
    event.vhost = Some("/".into());
    event.body = Some(Body { len: 2, data: b"{}".to_vec(), ..Body::default() });
    event.headers = vec![("x-death".into(), Value::List(history.iter().copied().map(died).collect()))];
    event
}

/// The first delivery from a queue.
fn taken_from(queue: &str, exchange: &str, history: &[(&str, &str, i64, &str)]) -> Event {
    let mut event = event(Kind::Deliver, exchange, history);
    (event.queue, event.redelivered, event.delivery_tag) = (Some(queue.into()), Some(false), Some(7));
    event
}

fn told(known: &mut DeadLetters, event: &Event) -> Vec<String> {
    let brief = |event: Event| {
        assert!(event.kind == Kind::DeadLetter && event.observed_late && event.body.is_some());
        assert_eq!((&event.session, event.delivery_tag, event.redelivered), (&None, None, None));
        let death = event.death.expect("a death");
        assert_eq!(event.queue.as_ref(), Some(&death.queue));
        format!("{} {} {} to {}", death.queue, death.reason, death.count, event.exchange.unwrap_or_default())
    };
    known.told_by(event).into_iter().map(brief).collect()
}

const REJECTED: (&str, &str, i64, &str) = ("work", "rejected", 1, "orders");

#[test]
fn a_death_is_told_by_the_first_delivery_that_follows_it_and_by_no_other() {
    let mut known = none_told();
    let first = taken_from("dlq", "dlx", &[REJECTED]);
    assert_eq!(told(&mut known, &first), ["work rejected 1 to dlx"]);
    let again = Event { redelivered: Some(true), ..first.clone() };
    assert_eq!(told(&mut known, &again), [""; 0]);
    // The exchange made two copies of it.
    assert_eq!(told(&mut known, &taken_from("audit", "dlx", &[REJECTED])), [""; 0]);
    // The dead letter was published to the queue again, and refused again.
    let second = taken_from("dlq", "dlx", &[("work", "rejected", 2, "orders")]);
    assert_eq!(told(&mut known, &second), ["work rejected 2 to dlx"]);
}

#[test]
fn equal_messages_that_die_in_one_second_are_told_each() {
    let mut known = none_told();
    for _ in 0..3 {
        assert_eq!(told(&mut known, &taken_from("dlq", "dlx", &[REJECTED])).len(), 1);
    }
    for _ in 0..3 {
        assert_eq!(told(&mut known, &taken_from("audit", "dlx", &[REJECTED])).len(), 0);
    }
    assert_eq!(told(&mut known, &taken_from("audit", "dlx", &[REJECTED])).len(), 1);
}

#[test]
fn a_message_that_waits_for_its_next_attempt_has_died_twice_on_the_way() {
    let mut known = none_told();
    for n in 1..=3 {
        let history = [("wait", "expired", n, "retry"), ("work", "rejected", n, "orders")];
        let expected = [format!("work rejected {n} to retry"), format!("wait expired {n} to orders")];
        assert_eq!(told(&mut known, &taken_from("work", "orders", &history)), expected);
    }
    // The message is given up in the end.
    let history =
        [("work", "rejected", 4, "orders"), ("wait", "expired", 3, "retry"), ("other", "maxlen", 1, "before")];
    assert_eq!(told(&mut known, &taken_from("dlq", "dlx", &history)), ["work rejected 4 to dlx"]);
}

#[test]
fn a_history_that_a_publisher_sends_along_is_no_death() {
    let mut known = none_told();
    assert_eq!(told(&mut known, &event(Kind::Publish, "orders", &[REJECTED])), [""; 0]);
    assert_eq!(told(&mut known, &taken_from("work", "orders", &[REJECTED])), [""; 0]);
    let refused = taken_from("dlq", "dlx", &[("work", "rejected", 2, "orders")]);
    assert_eq!(told(&mut known, &refused), ["work rejected 2 to dlx"]);
}

#[test]
fn a_death_before_the_newest_that_an_earlier_run_may_have_told_is_not_told_again() {
    let mut known = DeadLetters::new(Timestamp::from_micros((START + 2) * 1_000_000));
    let history = [("dlq", "expired", 1, "dlx"), REJECTED];
    assert_eq!(told(&mut known, &taken_from("parked", "parking", &history)), ["dlq expired 1 to parking"]);
}

#[test]
fn what_is_remembered_of_deaths_is_bounded() {
    let mut known = none_told();
    for n in 0..100_000 {
        known.told_by(&taken_from("dlq", "dlx", &[("work", "rejected", n, "orders")]));
    }
    assert_eq!(known.len(), 65_536);
    let long = vec![REJECTED; 1000];
    known.told_by(&event(Kind::Publish, "orders", &long));
    assert_eq!(known.len(), 65_536);
}
