//! Sessions that the proxy lost sight of, and deaths that it alone saw.

use super::super::StalledQuery;
use super::super::engine::Engine;
use super::proxied::{Stream, ended, given, sent, timed};
use super::*;
use crate::model::{Gap, Session};

/// The proxy stopped following a client's session. Without a client, hoptrail was killed.
pub(super) fn lost(client: Option<&str>, (from, to): (i64, i64), count: Option<u64>) -> Event {
    let mut event = Event::new(Kind::Gap, Source::Hoptrail, at(to * 1000));
    let (from, to) = (at(from * 1000), at(to * 1000));
    event.gap = Some(Gap { source: Source::Proxy, from, to, count, cause: "lost".into() });
    event.vhost = client.map(|_| "/".into());
    event.session = client.map(|client| Session {
        connection: Some(format!("10.0.0.7:{client} -> 127.0.0.1:5673").as_str().into()),
        ..Session::default()
    });
    event
}

/// State, verdict and state of the only leg, from the trail, and the number of stalled messages, from the report.
fn told_of(stream: &Stream, gaps: &[(i64, Event)], seconds: i64) -> (State, String, LegState, u64) {
    let events = timed(vec![stream.clone()]).concat();
    let out_of_sight = OutOfSight::of(gaps.iter().map(|(_, gap)| gap));
    let trail = trail_of(message(), &events, &out_of_sight, seconds);
    let mut engine = Engine::new(settings());
    let mut all = timed(vec![[stream.as_slice(), gaps].concat()]).concat();
    all.sort_by_key(|event| event.at);
    all.iter().for_each(|event| engine.apply(event));
    let stalled = engine.stalled(&StalledQuery::default(), at(seconds * 1000)).total;
    (trail.verdict.state(), headline(&trail.verdict), trail.hops[0].queues[0].state, stalled)
}

#[test]
fn what_a_session_held_that_went_out_of_sight_is_not_called_stalled() {
    let taken = vec![(1, sent(1)), (3, given("crm", 7))];
    let unknown =
        "Not known: CRM took the message from q on 21 Nov 2026, 02:00:03 UTC; how that ended was not observed.";
    let holds = (State::Stalled, LegState::Unsettled, 1);
    for (gap, expected) in [
        // The proxy reports the loss at once, or after the session has been closed.
        (lost(Some("crm"), (4, 4), None), (State::Unknown, LegState::Delivered, 0)),
        (lost(Some("crm"), (4, 900), None), (State::Unknown, LegState::Delivered, 0)),
        // hoptrail was killed after the delivery, and before it.
        (lost(None, (2, 4), None), (State::Unknown, LegState::Delivered, 0)),
        (lost(None, (1, 2), None), holds),
        // The gap is of another session, or of an earlier one of that name, or counts single losses.
        (lost(Some("mes"), (4, 4), None), holds),
        (lost(Some("crm"), (2, 2), None), holds),
        (lost(Some("crm"), (4, 4), Some(1)), holds),
        (lost(None, (4, 4), Some(1)), holds),
    ] {
        let (state, verdict, leg, stalled) = told_of(&taken, &[(4, gap.clone())], 2000);
        assert_eq!((state, leg, stalled), expected, "{gap:?}");
        assert_eq!(verdict == unknown, state == State::Unknown, "{verdict}");
    }
}

#[test]
fn what_is_seen_after_a_session_went_out_of_sight_counts() {
    let gap = [(4, lost(Some("crm"), (4, 4), None))];
    let mut events = vec![(1, sent(1)), (3, given("crm", 7)), (9, again(given("mes", 1)))];
    let (state, _, leg, stalled) = told_of(&events, &gap, 2000);
    assert_eq!((state, leg, stalled), (State::Stalled, LegState::Unsettled, 1));
    events.push((10, ended("mes", 1, SettlementKind::Ack, false)));
    let (state, _, leg, stalled) = told_of(&events, &gap, 2000);
    assert_eq!((state, leg, stalled), (State::Completed, LegState::Settled, 0));
    // The delivery had been settled before the loss.
    let events = vec![(1, sent(1)), (2, given("crm", 7)), (3, ended("crm", 7, SettlementKind::Ack, false))];
    let (state, _, leg, _) = told_of(&events, &gap, 2000);
    assert_eq!((state, leg), (State::Completed, LegState::Settled));
}

#[test]
fn an_order_s_verdict_says_that_a_settlement_was_not_observed() {
    let of = |(seconds, mut event): (i64, Event)| {
        (event.order_id, event.status) = (Some("JW-1".into()), Some("STARTED".into()));
        (seconds, event)
    };
    let events = timed(vec![vec![(1, sent(1)), (3, given("crm", 7))].into_iter().map(of).collect()]).concat();
    let gap = lost(None, (3, 5), None);
    let trail = trail_of(order(), &events, &OutOfSight::of([&gap]), 100);
    let next = Words::english().tell(&trail.verdict).next;
    assert_eq!(trail.verdict.state(), State::InFlight);
    assert_eq!(next.as_deref(), Some("Find in the log of CRM what became of the message."));
    assert_eq!((trail.hops[0].state, trail.hops[0].queues[0].held), (State::Unknown, None));
}

#[test]
fn sessions_out_of_sight_are_bounded() {
    let mut out_of_sight = OutOfSight::default();
    (0..40_000).for_each(|n| out_of_sight.note(&lost(Some(&n.to_string()), (4, 4), None)));
    assert_eq!(out_of_sight.len(), 16_384);
    let knocks = |n: i32| Event { vhost: None, ..lost(Some(&format!("knocks-{n}")), (4, 4), None) };
    (0..20_000).for_each(|n| out_of_sight.note(&knocks(n)));
    let newest = Str::from("10.0.0.7:39999 -> 127.0.0.1:5673");
    assert!(out_of_sight.has(Some(&newest), at(4000)) && !out_of_sight.has(Some(&newest), at(4001)));
}

/// A death as [`crate::wire::DeadLetters`] reports it, at the delivery that revealed it.
fn given_away(queue: &str, reason: &str, count: u64, from: (&str, &str), to: (&str, &str)) -> Event {
    let mut event = moved(by(Source::Proxy, death(queue, reason, count, from, to)));
    event.observed_late = true;
    event
}

#[test]
fn a_proxy_alone_tells_where_a_rejected_message_went() {
    let mut stream = vec![
        (1, sent(1)),
        (3, given("crm", 7)),
        (4, ended("crm", 7, SettlementKind::Reject, false)),
        (60, given_away("q", "rejected", 1, ("work", "k"), ("dlx", "k"))),
    ];
    let mut taken = moved(given("mes", 1));
    (taken.exchange, taken.queue) = (Some("dlx".into()), Some("dlq".into()));
    stream.push((60, taken));
    let trail = super::proxied::told_at(&timed(vec![stream]).concat(), 500);
    let legs: Vec<_> = trail.hops.iter().map(|hop| (hop.queues[0].state, &*hop.queues[0].queue)).collect();
    assert_eq!(legs, [(LegState::DeadLettered, "q"), (LegState::Unsettled, "dlq")]);
    assert_eq!(trail.verdict.state(), State::DeadLettered);
    let text = "CRM refused (rejected) the message from queue q on 21 Nov 2026, 02:01:00 UTC. CRM has it now.";
    assert_eq!(headline(&trail.verdict), text);
}

#[test]
fn a_proxy_alone_tells_the_attempts_of_a_message() {
    let mut stream = vec![(1, sent(1)), (3, given("crm", 7)), (4, ended("crm", 7, SettlementKind::Reject, false))];
    for n in 1..=2 {
        let second = 10 * i64::try_from(n).expect("few");
        stream.push((second, given_away("q", "rejected", n, ("work", "k"), ("retry", "k"))));
        stream.push((second, given_away("wait", "expired", n, ("retry", "k"), ("work", "k"))));
        stream.push((second, moved(given("crm", 7 + n))));
        stream.push((second + 1, ended("crm", 7 + n, SettlementKind::Reject, false)));
    }
    let last = stream.len() - 1;
    stream[last].1.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
    let events = timed(vec![stream]).concat();
    let attempt = ["work q:dead_lettered+*1", "retry <q wait:dead_lettered+*0"];
    let again = ["work <wait q:dead_lettered+*1", "retry <q wait:dead_lettered+*0"];
    assert_eq!(told(&join(&events)), [&attempt[..], &again, &["work <wait q:settled*1"]].concat());
}
