//! Every sentence of verdicts and of the stalled report, by a history that leads to it.
//!
//! The files in `sentences/` hold the expected sentences. A change there is a change of the product's words, and is
//! made on purpose. After such a change, read the file that `UPDATE_EXPECT=1 cargo test --lib sentences` writes.

use expect_test::expect_file;

use super::super::StalledQuery;
use super::super::engine::Engine;
use super::super::trail;
use super::proxied::{Stream, answered, ended, given, lost as unroutable, returned, sent, timed};
use super::sight::lost as out_of_sight;
use super::*;

/// The times of the questions, in seconds after the start: before and after all deadlines.
const SOON: i64 = 500;
const LATE: i64 = 2000;

/// Asks about the message of a history.
fn message(name: &str, stream: Stream, seconds: i64) -> String {
    tell(name, super::message(), stream, seconds)
}

/// Asks about the order of a history.
fn order(name: &str, mut stream: Stream, seconds: i64) -> String {
    stream.iter_mut().for_each(|(_, event)| event.order_id = Some("JW-1".into()));
    tell(name, super::order(), stream, seconds)
}

fn tell(name: &str, subject: Subject, stream: Stream, seconds: i64) -> String {
    let events = timed(vec![stream]).concat();
    let mut engine = Engine::new(settings());
    events.iter().for_each(|event| engine.apply(event));
    let own: Vec<Event> = events.iter().filter(|event| event.kind != Kind::Gap).cloned().collect();
    let trail = trail_of(subject, &own, &OutOfSight::of(&events), seconds);
    let told = Words::english().tell(&trail.verdict);
    let mut text = format!("{name}\n  {}: {}\n", trail.verdict.state(), told.headline);
    let facts = [("whose turn", told.whose_turn), ("next", told.next)];
    text.extend(facts.into_iter().filter_map(|(fact, words)| Some(format!("    {fact}: {}\n", words?))));
    for item in engine.stalled(&StalledQuery::default(), at(seconds * 1000)).stalled {
        text += &format!("  stalled, {}: {}\n", item.reason, headline(&item.verdict));
    }
    text
}

fn with(mut event: Event, change: impl FnOnce(&mut Event)) -> Event {
    change(&mut event);
    event
}

/// `event`, which announces a status.
fn announcing(status: &str, event: Event) -> Event {
    with(event, |event| event.status = Some(status.into()))
}

/// `event`, of another message.
fn of(id: &str, event: Event) -> Event {
    with(event, |event| event.message_id = Some(id.into()))
}

/// A tap sees the publish of [`sent`] too, and so the queues of the message.
fn routed(queues: &[&str]) -> Event {
    publish("work", "k", queues)
}

fn dead(reason: &str, count: u64, to: (&str, &str)) -> Event {
    death("q", reason, count, ("work", "k"), to)
}

/// The proxy sees a consumer take the message from the dead-letter queue.
fn buried(tag: u64) -> Event {
    with(moved(given("mes", tag)), |event| (event.exchange, event.queue) = (Some("dlx".into()), Some("dlq".into())))
}

fn buried_ended(tag: u64, kind: SettlementKind, requeue: bool) -> Event {
    with(ended("mes", tag, kind, requeue), |event| event.queue = Some("dlq".into()))
}

/// The ends that a delivery may have, by name.
fn ends() -> [(&'static str, SettlementKind, bool); 6] {
    [
        ("acknowledged", SettlementKind::Ack, false),
        ("rejected", SettlementKind::Reject, false),
        ("nacked", SettlementKind::Nack, false),
        ("requeued", SettlementKind::Nack, true),
        ("recovered", SettlementKind::Recover, true),
        ("channel closed", SettlementKind::Close, true),
    ]
}

#[test]
fn of_messages_on_their_way() {
    let mut all = vec![
        message("nothing but its name", vec![(1, settle("q", SettlementKind::Ack, false))], SOON),
        message("seen by an exchange's tap alone", vec![(1, by(Source::Binding, routed(&[])))], SOON),
        message("with a status", vec![(1, announcing("STARTED", by(Source::Binding, routed(&[]))))], SOON),
        message("sent, nothing else", vec![(1, sent(1))], SOON),
        message("sent and confirmed", vec![(1, sent(1)), (2, answered(1, SettlementKind::Ack))], SOON),
        message("sent and refused", vec![(1, sent(1)), (2, answered(1, SettlementKind::Nack))], SOON),
        message("to a queue by its name", vec![(1, publish("", "q", &["q"]))], SOON),
        message("to an exchange without a key", vec![(1, publish("work", "", &["q"]))], SOON),
        message("in two queues", vec![(1, routed(&["q", "r"]))], SOON),
        message("unconfirmed in its queue", vec![(1, sent(1)), (1, routed(&["q"]))], SOON),
        message(
            "confirmed in its queue",
            vec![(1, sent(1)), (1, routed(&["q"])), (2, answered(1, SettlementKind::Ack))],
            SOON,
        ),
        message(
            "refused in its queue",
            vec![(1, sent(1)), (1, routed(&["q"])), (2, answered(1, SettlementKind::Nack))],
            SOON,
        ),
        message("taken, its publish unseen", vec![(1, deliver("work", "k", "q"))], SOON),
        message("taken, nothing known of where to", vec![(1, nowhere(deliver("work", "k", "q")))], SOON),
        message("taken, by a tap", vec![(1, routed(&["q"])), (2, deliver("work", "k", "q"))], SOON),
        message(
            "taken from two queues",
            vec![(1, routed(&["q", "r"])), (2, deliver("work", "k", "q")), (3, deliver("work", "k", "r"))],
            SOON,
        ),
        message("held", vec![(1, sent(1)), (3, given("crm", 7))], SOON),
        message("held, by a client without a service", vec![(1, sent(1)), (3, nameless(given("crm", 7)))], SOON),
        message(
            "held, by two",
            vec![
                (1, sent(1)),
                (3, given("crm", 7)),
                (4, with(given("mes", 7), |event| event.queue = Some("r".into()))),
            ],
            SOON,
        ),
        message("taken for good", vec![(1, sent(1)), (3, automatic(given("crm", 7)))], SOON),
        message(
            "held by two, and out of sight",
            vec![
                (1, sent(1)),
                (3, given("crm", 7)),
                (4, with(given("mes", 7), |event| event.queue = Some("r".into()))),
                (5, killed(5)),
            ],
            SOON,
        ),
        message("held, and out of sight", vec![(1, sent(1)), (3, given("crm", 7)), (4, killed(4))], SOON),
        message(
            "given back twice",
            vec![
                (1, sent(1)),
                (3, given("crm", 7)),
                (63, ended("crm", 7, SettlementKind::Nack, true)),
                (64, again(given("crm", 8))),
                (65, ended("crm", 8, SettlementKind::Close, true)),
            ],
            SOON,
        ),
    ];
    for (name, kind, requeue) in ends() {
        let stream = vec![(1, sent(1)), (3, given("crm", 7)), (243, ended("crm", 7, kind, requeue))];
        all.push(message(&format!("held, then {name}"), stream, SOON));
    }
    expect_file!["sentences/on_their_way.txt"].assert_eq(&all.concat());
}

fn nowhere(event: Event) -> Event {
    with(event, |event| (event.exchange, event.routing_key) = (None, None))
}

fn nameless(event: Event) -> Event {
    with(event, |event| event.service = None)
}

fn automatic(event: Event) -> Event {
    with(event, |event| {
        event.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
    })
}

/// hoptrail was killed until that second.
fn killed(seconds: i64) -> Event {
    out_of_sight(None, (seconds, seconds), None)
}

#[test]
fn of_messages_past_a_deadline() {
    let nobody = |event: Event| with(nameless(event), |event| event.session = None);
    let all = [
        message("undelivered", vec![(1, routed(&["q"]))], LATE),
        message(
            "undelivered, of a service with a status",
            vec![(1, announcing("STARTED", sent(1))), (1, routed(&["q"]))],
            LATE,
        ),
        message("undelivered, unconfirmed", vec![(1, sent(1)), (1, routed(&["q"]))], LATE),
        message(
            "undelivered, refused",
            vec![(1, sent(1)), (1, routed(&["q"])), (2, answered(1, SettlementKind::Nack))],
            LATE,
        ),
        message(
            "undelivered since it was given back",
            vec![(1, sent(1)), (3, given("crm", 7)), (4, ended("crm", 7, SettlementKind::Recover, true))],
            LATE,
        ),
        message(
            "undelivered for days since it was given back twice",
            vec![
                (1, sent(1)),
                (2, answered(1, SettlementKind::Ack)),
                (3, given("crm", 7)),
                (4, ended("crm", 7, SettlementKind::Close, true)),
                (5, again(given("crm", 8))),
                (6, ended("crm", 8, SettlementKind::Close, true)),
            ],
            200_000,
        ),
        message("unsettled", vec![(1, sent(1)), (3, given("crm", 7))], LATE),
        message("unsettled, by a client without a service", vec![(1, sent(1)), (3, nameless(given("crm", 7)))], 12_345),
        message("unsettled, by a consumer without a name", vec![(1, sent(1)), (3, nobody(given("crm", 7)))], LATE),
        message(
            "undelivered in one queue, unsettled in another",
            vec![(1, sent(1)), (1, routed(&["q", "r"])), (3, given("crm", 7))],
            LATE,
        ),
        message("unroutable", vec![(1, unroutable())], SOON),
        message("unroutable and returned", vec![(1, sent(1)), (2, returned()), (4, unroutable())], SOON),
    ];
    expect_file!["sentences/past_a_deadline.txt"].assert_eq(&all.concat());
}

#[test]
fn of_dead_letters() {
    const DLX: (&str, &str) = ("dlx", "k");
    let mut all = Vec::new();
    for reason in ["rejected", "expired", "maxlen", "delivery_limit", "boredom"] {
        all.push(message(reason, vec![(1, routed(&["q"])), (9, dead(reason, 1, DLX))], SOON));
    }
    let first = |to| vec![(1, routed(&["q"])), (9, dead("maxlen", 1, to))];
    let unseen = with(dead("maxlen", 1, DLX), |event| event.queue = None);
    all.extend([
        message("to a queue by its name", first(("", "dlq")), SOON),
        message("to an unknown place", vec![(1, routed(&["q"])), (9, nowhere(dead("maxlen", 1, DLX)))], SOON),
        message("its way was not seen", vec![(1, routed(&["q"])), (9, unseen)], SOON),
        message("for the third time", vec![(1, routed(&["q"])), (9, dead("rejected", 3, DLX))], SOON),
        message(
            "of a publish by a service",
            vec![(1, announcing("STARTED", sent(1))), (1, routed(&["q"])), (9, dead("expired", 1, DLX))],
            SOON,
        ),
        message(
            "taken by a tap's word",
            [first(DLX), vec![(10, moved(with(deliver("dlx", "k", "dlq"), |_| ())))]].concat(),
            SOON,
        ),
        message("taken and held", [first(DLX), vec![(10, buried(1))]].concat(), SOON),
        message("taken for good", [first(DLX), vec![(10, automatic(buried(1)))]].concat(), SOON),
        message("taken and out of sight", [first(DLX), vec![(10, buried(1)), (11, killed(11))]].concat(), SOON),
        message("taken and held for too long", [first(DLX), vec![(10, buried(1))]].concat(), LATE),
    ]);
    for (name, kind, requeue) in ends() {
        let stream = [first(DLX), vec![(10, buried(1)), (20, buried_ended(1, kind, requeue))]].concat();
        all.push(message(&format!("taken and {name}"), stream, SOON));
        if kind != SettlementKind::Ack {
            let taken = vec![(1, sent(1)), (3, given("crm", 7)), (63, ended("crm", 7, kind, requeue))];
            all.push(message(&format!("{name} before"), [taken, vec![(64, dead("rejected", 1, DLX))]].concat(), SOON));
        }
    }
    let twice = vec![
        (1, sent(1)),
        (3, given("crm", 7)),
        (4, ended("crm", 7, SettlementKind::Nack, true)),
        (5, again(given("crm", 8))),
        (6, ended("crm", 8, SettlementKind::Nack, true)),
        (7, dead("delivery_limit", 1, DLX)),
    ];
    all.push(message("given back twice before", twice, SOON));
    expect_file!["sentences/dead_letters.txt"].assert_eq(&all.concat());
}

#[test]
fn of_orders() {
    const DLX: (&str, &str) = ("dlx", "k");
    let entered =
        |second, id: &str, status: &str| (second, of(id, announcing(status, by(Source::Binding, routed(&[])))));
    let sends = |second, id: &str, status: &str| (second, of(id, announcing(status, sent(1))));
    let shipped = |stream: Stream| [stream, vec![sends(20, "m-9", "SHIPPED")]].concat();
    let started = |stream: Stream| {
        let announced = stream.into_iter().map(|(second, event)| (second, announcing("STARTED", event)));
        announced.collect::<Stream>()
    };
    let mut all = vec![
        order("without a message", vec![(1, with(sent(1), |event| event.message_id = None))], SOON),
        order("without a status", vec![(1, sent(1)), (1, routed(&["q"]))], SOON),
        order("in a status", vec![entered(1, "m-1", "STARTED")], 60),
        order("in a status that has no limit", vec![sends(1, "m-1", "PACKED")], LATE),
        order("in a status for too long", vec![entered(1, "m-1", "SUBMITTED")], 120),
        order(
            "in a status of a service for too long",
            vec![sends(1, "m-1", "SUBMITTED"), sends(100, "m-2", "STARTED")],
            LATE,
        ),
        order("in a status, its message waits", started(vec![(1, routed(&["q", "r"]))]), 60),
        order("in a status, its message waits unconfirmed", started(vec![(1, sent(1)), (1, routed(&["q"]))]), 60),
        order("in a status, its message is held", started(vec![(1, sent(1)), (3, given("crm", 7))]), 60),
        order(
            "in a status, its message was taken",
            started(vec![(1, routed(&["q"])), (3, deliver("work", "k", "q"))]),
            60,
        ),
        order(
            "in a status, its message is out of sight",
            started(vec![(1, sent(1)), (3, given("crm", 7)), (4, killed(4))]),
            60,
        ),
        order("in a status, its message is stalled", started(vec![(1, sent(1)), (3, given("crm", 7))]), LATE),
        order(
            "in a status, its message is dead",
            started(vec![(1, routed(&["q"])), (3, dead("expired", 1, DLX))]),
            LATE,
        ),
        order("completed at once", vec![entered(1, "m-1", "SHIPPED")], LATE),
        order("completed after hours", vec![entered(1, "m-1", "SUBMITTED"), sends(8000, "m-2", "SHIPPED")], 9000),
        order(
            "completed, a message died since",
            shipped(vec![(1, routed(&["q"])), (21, dead("expired", 1, DLX))]),
            SOON,
        ),
        order("completed, a message was lost since", shipped(vec![(21, unroutable())]), SOON),
        order("completed, a message was never taken", shipped(vec![(1, routed(&["q"]))]), LATE),
        order("completed, a message is held", shipped(vec![(1, sent(1)), (3, given("crm", 7))]), LATE),
        order(
            "went on after a death",
            [vec![(1, routed(&["q"])), (9, dead("maxlen", 1, DLX))], vec![entered(10, "m-2", "STARTED")]].concat(),
            60,
        ),
    ];
    for (name, kind, requeue) in ends() {
        let stream = started(vec![(1, sent(1)), (3, given("crm", 7)), (23, ended("crm", 7, kind, requeue))]);
        all.push(order(&format!("in a status, its message was {name}"), stream, 60));
    }
    expect_file!["sentences/orders.txt"].assert_eq(&all.concat());
}

#[test]
fn of_trails_that_are_not_whole() {
    let events = timed(vec![vec![(1, sent(1))]]).concat();
    let mut trail = trail_of(super::message(), &events, &OutOfSight::default(), 2);
    trail::add_gaps(&mut trail, vec![killed(4)]);
    assert!(trail.not_shown.is_none() && trail.gaps.len() == 1, "{trail:?}");
}
