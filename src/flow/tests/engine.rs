//! What is under way: deadlines, bounds, and agreement with the trail.

use super::super::engine::Engine;
use super::super::handle::StalledQuery;
use super::super::order::Messages;
use super::*;

fn numbered(mut event: Event, number: u64, seconds: i64, id: &str) -> Event {
    (event.seq, event.at, event.message_id) = (Seq(number), at(seconds * 1000), Some(id.into()));
    event
}

fn with_status(mut event: Event, order: &str, status: &str) -> Event {
    (event.order_id, event.status) = (Some(order.into()), Some(status.into()));
    event
}

fn reasons(engine: &Engine, seconds: i64) -> Vec<String> {
    let report = engine.stalled(&StalledQuery::default(), at(seconds * 1000));
    report.stalled.into_iter().map(|item| item.reason).collect()
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
    engine.apply(&numbered(taken, 2, 601, "m"));
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
    assert_eq!(engine.tracked(), (1000, 0, 0));
    assert_eq!(reasons(&engine, 700).len(), 900);
    for n in 0..200 {
        engine.apply(&numbered(publish("x", "k", &["q"]), 20_000 + n, 2, &format!("more-{n}")));
    }
    engine.check_invariants();
    assert_eq!(engine.tracked(), (1000, 0, 100), "the oldest unfinished ones go, and are counted");
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
    assert_eq!(engine.tracked(), (101, 0, 0));
    engine.apply(&numbered(publish("x", "k", &[]), 400, 90_000, "next day"));
    engine.check_invariants();
    assert_eq!(engine.tracked().2, 1, "what has not changed for a day is let go, and counted");
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
            let expected =
                ["SUBMITTED", "STARTED"].contains(&&*newest.status).then(|| (newest.status, newest.at.to_string()));
            assert_eq!(stalled.map(|item| (item.status.clone().expect("a status"), item.since.clone())), expected);
        }
    }
}
