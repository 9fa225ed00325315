//! The engine: deadlines, bounds, and agreement with the trail.

use super::super::StalledQuery;
use super::super::engine::{Engine, Tracked};
use super::super::order::Messages;
use super::proxied::{ended, given, sent, timed, traced};
use super::*;
use crate::model::StalledReason;

fn numbered(mut event: Event, number: u64, seconds: i64, id: &str) -> Event {
    (event.seq, event.at, event.message_id) = (Seq(number), at(seconds * 1000), Some(id.into()));
    event
}

fn tracked(messages: usize, evicted: u64) -> Tracked {
    Tracked { messages, orders: 0, evicted }
}

fn with_status(mut event: Event, order: &str, status: &str) -> Event {
    (event.order_id, event.status) = (Some(order.into()), Some(status.into()));
    event
}

fn reasons(engine: &Engine, seconds: i64) -> Vec<String> {
    let report = engine.stalled(&StalledQuery::default(), at(seconds * 1000));
    report.stalled.into_iter().map(|item| item.reason.to_string()).collect()
}

#[test]
fn a_deadline_is_past_only_after_its_last_moment() {
    let mut engine = Engine::new(settings());
    engine.apply(&numbered(with_status(publish("x", "k", &["q"]), "A", "SUBMITTED"), 1, 0, "m"));
    assert_eq!(reasons(&engine, 60), Vec::<String>::new());
    assert_eq!(reasons(&engine, 61), ["status"]);
    assert_eq!(reasons(&engine, 600), ["status"]);
    assert_eq!(reasons(&engine, 601), ["undelivered", "status"]);
    let mut taken = by(Source::Proxy, deliver("x", "k", "q"));
    taken.order_id = Some("A".into());
    let mut unfollowed = taken.clone();
    taken.delivery_tag = Some(1);
    engine.apply(&numbered(taken, 2, 601, "m"));
    // Without a tag, the settlement is not followed. It is not known whether the message is still held.
    unfollowed.order_id = None;
    engine.apply(&numbered(unfollowed, 3, 601, "unfollowed"));
    assert_eq!(reasons(&engine, 601 + 900), ["status"]);
    assert_eq!(reasons(&engine, 601 + 901), ["status", "unsettled"]);
}

#[test]
fn finished_messages_go_before_unfinished_ones_that_are_older() {
    let mut engine = Engine::new(settings());
    for n in 0..900 {
        engine.apply(&numbered(publish("x", "k", &["q"]), n, 0, &format!("waiting-{n}")));
    }
    for n in 0..5_000u64 {
        let id = format!("done-{n}");
        engine.apply(&numbered(publish("x", "k", &["q"]), 1000 + 2 * n, 1, &id));
        engine.apply(&numbered(deliver("x", "k", "q"), 1001 + 2 * n, 1, &id));
    }
    assert_eq!(engine.tracked(), tracked(1000, 0));
    assert_eq!(reasons(&engine, 700).len(), 900);
    for n in 0..200 {
        engine.apply(&numbered(publish("x", "k", &["q"]), 20_000 + n, 2, &format!("more-{n}")));
    }
    engine.check_invariants();
    assert_eq!(engine.tracked(), tracked(1000, 100), "the oldest unfinished ones go, and are counted");
}

#[test]
fn finished_messages_leave_behind_an_unfinished_one_that_stays() {
    let mut engine = Engine::new(settings());
    engine.apply(&numbered(publish("x", "k", &["q"]), 1, 0, "waiting"));
    for n in 0..100u64 {
        engine.apply(&numbered(publish("x", "k", &[]), 2 + n, 1, &format!("done-{n}")));
    }
    for n in 0..100u64 {
        engine.apply(&numbered(publish("x", "k", &[]), 200 + n, 700, &format!("late-{n}")));
    }
    assert_eq!(engine.tracked(), tracked(101, 0));
    engine.apply(&numbered(publish("x", "k", &[]), 400, 90_000, "next day"));
    engine.check_invariants();
    assert_eq!(engine.tracked().evicted, 1, "what has not changed for a day is evicted, and counted");
}

#[test]
fn the_report_and_the_trail_name_the_same_status() {
    // Every sequence of four announcements, at three distances.
    let names = ["SUBMITTED", "STARTED", "SHIPPED", "OTHER"];
    for code in 0..256usize {
        for distance in [0, 4, 11] {
            let mut engine = Engine::new(settings());
            let events: Vec<Event> = (0..4u32)
                .map(|n| {
                    let status = names[(code >> (2 * n)) & 3];
                    let event = with_status(publish("x", "k", &["q"]), "A", status);
                    numbered(event, u64::from(n) + 1, i64::from(n) * distance, &format!("m-{n}"))
                })
                .collect();
            events.iter().for_each(|event| engine.apply(event));
            let messages = Messages::join(&events);
            let newest = messages.statuses(&settings()).pop().expect("a status");
            let report = engine.stalled(&StalledQuery::default(), at(500_000));
            let stalled = report.stalled.iter().find(|item| item.status.is_some());
            let expected = ["SUBMITTED", "STARTED"].contains(&&*newest.status).then_some((newest.status, newest.at));
            assert_eq!(stalled.map(|item| (item.status.clone().expect("a status"), item.since)), expected);
        }
    }
}

#[test]
fn what_a_consumer_holds_too_long_is_stalled_and_says_who_holds_it() {
    let mut engine = Engine::new(settings());
    let proxy = vec![(1, sent(1)), (3, given("crm", 7))];
    let events = timed(vec![proxy, vec![(4, publish("work", "k", &["q"])), (5, traced(deliver("work", "k", "q")))]]);
    events.concat().iter().for_each(|event| engine.apply(event));
    let of = |service: Option<&str>| StalledQuery { service: service.map(str::to_owned), ..StalledQuery::default() };
    assert_eq!(engine.stalled(&of(None), at(903_000)).total, 0);
    let report = engine.stalled(&of(None), at(904_000));
    let item = &report.stalled[0];
    assert_eq!((item.reason, item.since), (StalledReason::Unsettled, at(3000)));
    let consumer = item.consumer.clone().expect("a consumer");
    assert_eq!((consumer.service.as_deref(), consumer.client_name.as_deref()), (Some("CRM"), Some("client-crm")));
    assert_eq!(consumer.connection.as_deref(), Some("10.0.0.7:crm -> 127.0.0.1:5673"));
    let text = "CRM took the message from q 15 min 1 s ago and has not finished; the limit is 15 min.";
    assert_eq!(headline(&item.verdict), text);
    for (service, found) in [("CRM", 1), ("Shop", 1), ("MES", 0)] {
        assert_eq!(engine.stalled(&of(Some(service)), at(904_000)).total, found, "{service}");
    }
    // The message is requeued, and no consumer takes it again.
    let back = timed(vec![vec![(1000, ended("crm", 7, SettlementKind::Close, true))]]).concat();
    back.iter().for_each(|event| engine.apply(event));
    assert_eq!(engine.stalled(&of(None), at(1_600_000)).total, 0);
    let item = engine.stalled(&of(None), at(1_601_000)).stalled.remove(0);
    assert_eq!((item.reason, item.consumer), (StalledReason::Undelivered, None));
    let text = "CRM gave the message back to q 10 min 1 s ago; nobody has taken it since, limit 10 min.";
    assert_eq!(headline(&item.verdict), text);
}
