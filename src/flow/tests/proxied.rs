//! Reports of the proxy together with reports of taps, in every order in which they can lag behind each other.

use super::histories::merges;
use super::*;
use crate::model::trail::{Hop, Leg};
use crate::model::{Return, Session, Told};

/// The events of one source, each with its second.
pub(super) type Stream = Vec<(i64, Event)>;

fn session(client: &str, channel: u16) -> Session {
    let connection = format!("10.0.0.7:{client} -> 127.0.0.1:5673").as_str().into();
    let client_name = Some(format!("client-{client}").as_str().into());
    Session { connection: Some(connection), user: Some("app".into()), client_name, channel: Some(channel) }
}

/// The proxy sees a publish on a channel in confirm mode.
pub(super) fn sent(tag: u64) -> Event {
    let mut event = by(Source::Proxy, publish("work", "k", &[]));
    (event.session, event.delivery_tag, event.service) = (Some(session("shop", 1)), Some(tag), Some("Shop".into()));
    event
}

pub(super) fn answered(tag: u64, kind: SettlementKind) -> Event {
    let mut event = event(Kind::Confirm, Source::Proxy, "work", "k");
    (event.session, event.delivery_tag) = (Some(session("shop", 1)), Some(tag));
    event.settlement = Some(Settlement { kind, requeue: false, multiple: false });
    event
}

pub(super) fn returned() -> Event {
    let mut event = event(Kind::Return, Source::Proxy, "work", "k");
    event.returned = Some(Return { code: 312, text: "NO_ROUTE".into() });
    event
}

pub(super) fn lost() -> Event {
    let mut event = publish("work", "k", &[]);
    event.kind = Kind::Unroutable;
    event
}

/// The proxy sees a delivery to a client, with a tag.
pub(super) fn given(to: &str, tag: u64) -> Event {
    let mut event = by(Source::Proxy, deliver("work", "k", "q"));
    (event.session, event.delivery_tag) = (Some(session(to, 3)), Some(tag));
    (event.service, event.consumer_tag) = (Some("CRM".into()), Some("ctag".into()));
    event
}

pub(super) fn ended(by: &str, tag: u64, kind: SettlementKind, requeue: bool) -> Event {
    let mut event = settle("q", kind, requeue);
    (event.session, event.delivery_tag) = (Some(session(by, 3)), Some(tag));
    event
}

/// `event` with a connection as the firehose names it.
pub(super) fn traced(mut event: Event) -> Event {
    event.session = Some(Session { connection: Some("127.0.0.1:9 -> 127.0.0.1:5672".into()), ..Session::default() });
    event
}

/// Gives each event its time and its number. The event keeps both in every order of the streams.
pub(super) fn timed(streams: Vec<Stream>) -> Vec<Vec<Event>> {
    let mut number = 0;
    let mut stamp = |(seconds, mut event): (i64, Event)| {
        number += 1;
        (event.at, event.seq) = (at(seconds * 1000), Seq(number));
        event
    };
    streams.into_iter().map(|stream| stream.into_iter().map(&mut stamp).collect()).collect()
}

/// The trail. The parts that may differ with the order of the events are sorted.
pub(super) fn told_at(events: &[Event], seconds: i64) -> Trail {
    let mut trail = trail_of(message(), events, &OutOfSight::default(), seconds);
    trail.events.clear();
    for hop in &mut trail.hops {
        hop.events.sort_unstable();
        hop.sources.sort_unstable();
        hop.queues.sort_by(|a, b| a.queue.cmp(&b.queue));
    }
    trail
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

/// The settlement of the latest delivery, by its name in the API.
fn settlement(leg: &Leg) -> Option<String> {
    leg.settlement.map(|settlement| settlement.to_string())
}

/// The trail of the streams. It is the same in every order.
fn same(name: &str, streams: Vec<Stream>) -> Trail {
    let merges = merges(&timed(streams));
    let expected = told_at(&merges[0], 500);
    for merged in &merges {
        let story: Vec<String> = merged.iter().map(|e| format!("{} {} {}", e.seq.0, e.source, e.kind)).collect();
        assert_eq!(told_at(merged, 500), expected, "{name}: {story:#?}");
    }
    expected
}

fn only(trail: &Trail) -> (&Hop, &Leg) {
    assert_eq!(trail.hops.len(), 1, "{trail:#?}");
    assert_eq!(trail.hops[0].queues.len(), 1, "{trail:#?}");
    (&trail.hops[0], &trail.hops[0].queues[0])
}

#[test]
fn one_publish_and_one_delivery_seen_by_all_sources_are_shown_once() {
    let proxy = vec![
        (1, sent(1)),
        (2, answered(1, SettlementKind::Ack)),
        (3, given("crm", 7)),
        (243, ended("crm", 7, SettlementKind::Ack, false)),
    ];
    let firehose = vec![(4, traced(publish("work", "k", &["q"]))), (5, traced(deliver("work", "k", "q")))];
    let binding = vec![(6, by(Source::Binding, publish("work", "k", &[])))];
    let trail = same("one", vec![proxy, firehose, binding]);
    let (hop, leg) = only(&trail);
    assert_eq!(hop.sources, [Source::Binding, Source::Firehose, Source::Proxy]);
    assert_eq!(
        (hop.answered_after, hop.unconfirmed, hop.client_name.as_deref()),
        (seconds(1), false, Some("client-shop"))
    );
    assert_eq!((leg.state, leg.deliveries, leg.given_back), (LegState::Settled, 1, 0));
    assert_eq!(
        (leg.consumer.service.as_deref(), leg.consumer.client_name.as_deref()),
        (Some("CRM"), Some("client-crm"))
    );
    assert_eq!(leg.consumer.connection.as_deref(), Some("10.0.0.7:crm -> 127.0.0.1:5673"));
    assert_eq!((leg.consumer.user.as_deref(), leg.consumer.consumer_tag.as_deref()), (Some("app"), Some("ctag")));
    assert_eq!((leg.waited, leg.held), (seconds(2), seconds(240)));
    assert_eq!(settlement(leg).as_deref(), Some("ack"));
    let verdict = "CRM took the message from queue q on 21 Nov 2026, 02:00:03 UTC and finished after 4 min.";
    assert_eq!(headline(&trail.verdict), verdict);
}

#[test]
fn a_delivery_that_was_given_back_and_taken_again_counts_twice() {
    for (kind, name) in [
        (SettlementKind::Close, "close (requeue)"),
        (SettlementKind::Recover, "recover (requeue)"),
        (SettlementKind::Nack, "nack (requeue)"),
        (SettlementKind::Reject, "reject (requeue)"),
    ] {
        let mut proxy = vec![(1, sent(1)), (3, given("crm", 7)), (243, ended("crm", 7, kind, true))];
        let firehose = vec![(1, publish("work", "k", &["q"])), (5, deliver("work", "k", "q"))];
        let trail = same(name, vec![proxy.clone(), firehose.clone()]);
        let (_, leg) = only(&trail);
        assert_eq!((leg.state, settlement(leg).as_deref()), (LegState::Waiting, Some(name)));
        assert_eq!((leg.given_back, leg.held), (1, seconds(240)));
        let back = "On its way: CRM gave the message back to q 4 min 17 s ago; the limit is 10 min.";
        assert_eq!(headline(&trail.verdict), back);

        proxy.extend([(244, again(given("mes", 1))), (245, ended("mes", 1, SettlementKind::Ack, false))]);
        let mut firehose = firehose;
        firehose.push((246, again(deliver("work", "k", "q"))));
        let trail = same(name, vec![proxy, firehose]);
        let (_, leg) = only(&trail);
        assert_eq!((leg.state, leg.deliveries, leg.given_back), (LegState::Settled, 2, 1));
        assert_eq!((leg.consumer.client_name.as_deref(), leg.held), (Some("client-mes"), seconds(1)));
        assert_eq!((leg.redelivered, leg.waited), (true, seconds(2)));
    }
}

#[test]
fn a_session_whose_end_is_told_after_the_next_delivery_does_not_settle_that_one() {
    let proxy = vec![
        (1, sent(1)),
        (3, given("crm", 7)),
        (4, again(given("mes", 7))),
        (5, ended("crm", 7, SettlementKind::Close, true)),
    ];
    let firehose =
        vec![(1, publish("work", "k", &["q"])), (3, deliver("work", "k", "q")), (4, again(deliver("work", "k", "q")))];
    let trail = same("late end", vec![proxy, firehose]);
    let (hop, leg) = only(&trail);
    assert_eq!((leg.state, leg.deliveries, leg.given_back), (LegState::Unsettled, 2, 1));
    assert_eq!((leg.consumer.client_name.as_deref(), leg.held), (Some("client-mes"), seconds(496)));
    assert_eq!(hop.events.len(), 7, "the late settlement belongs to it all the same");
    let verdict = "On its way: CRM took the message from q 8 min 16 s ago; the limit is 15 min.";
    assert_eq!(headline(&trail.verdict), verdict);
}

#[test]
fn the_consumer_that_rejected_a_dead_letter_is_named() {
    for kind in [SettlementKind::Reject, SettlementKind::Nack] {
        let proxy = vec![(1, sent(1)), (3, given("crm", 7)), (243, ended("crm", 7, kind, false))];
        let firehose = vec![(1, publish("work", "k", &["q"])), (5, deliver("work", "k", "q"))];
        let dead = vec![(244, death("q", "rejected", 1, ("work", "k"), ("dlx", "k")))];
        let trail = same("rejected", vec![proxy.clone(), firehose, dead]);
        let text =
            "CRM refused (rejected) the message from queue q on 21 Nov 2026, 02:04:04 UTC. Nobody has taken it since.";
        assert_eq!(headline(&trail.verdict), text);
        assert_eq!(trail.hops[0].queues[0].held, seconds(240));
        // Without a tap, no source sees the queues of the message.
        let trail = same("alone", vec![proxy]);
        let text = "Not known: CRM refused the message from q on 21 Nov 2026, 02:04:03 UTC; nobody has seen it since.";
        assert_eq!(headline(&trail.verdict), text);
    }
}

#[test]
fn a_delivery_that_needs_no_acknowledgement_is_settled_at_once() {
    let mut taken = given("crm", 7);
    taken.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
    let firehose = vec![(1, publish("work", "k", &["q"])), (5, deliver("work", "k", "q"))];
    let trail = same("no_ack", vec![vec![(1, sent(1)), (3, taken)], firehose]);
    let (_, leg) = only(&trail);
    assert_eq!((leg.state, leg.held, settlement(leg).as_deref()), (LegState::Settled, seconds(0), Some("ack")));
    assert_eq!(headline(&trail.verdict), "CRM took the message from queue q on 21 Nov 2026, 02:00:03 UTC.");
}

#[test]
fn a_return_and_the_firehose_s_word_for_it_are_one() {
    let mut proxy = vec![(1, sent(1)), (2, returned()), (3, answered(1, SettlementKind::Ack))];
    let mut firehose = vec![(4, lost())];
    let trail = same("returned", vec![proxy.clone(), firehose.clone()]);
    assert_eq!((trail.hops.len(), trail.verdict.state()), (1, State::Unroutable));
    assert!(trail.hops[0].returned_at.is_some() && trail.hops[0].confirmed_at.is_some());
    let text = "Shop sent the message to exchange work on 21 Nov 2026, 02:00:01 UTC, and no queue took it: the broker \
                returned it.";
    assert_eq!(headline(&trail.verdict), text);

    proxy.extend([(10, sent(2)), (11, answered(2, SettlementKind::Ack)), (12, given("crm", 1))]);
    proxy.push((13, ended("crm", 1, SettlementKind::Ack, false)));
    firehose.extend([(14, publish("work", "k", &["q"])), (15, deliver("work", "k", "q"))]);
    let trail = same("published again", vec![proxy, firehose]);
    assert_eq!((trail.hops.len(), trail.verdict.state()), (2, State::Completed));
    assert!(trail.hops[0].queues.is_empty() && trail.hops[1].returned_at.is_none());
}

#[test]
fn what_came_back_is_the_publish_that_reached_no_queue() {
    let proxy = vec![(1, sent(1)), (2, sent(2)), (3, returned())];
    let firehose = vec![(4, publish("work", "k", &["q"])), (5, lost())];
    let trail = same("second", vec![proxy, firehose]);
    let came_back: Vec<bool> = trail.hops.iter().map(|hop| hop.returned_at.is_some()).collect();
    assert_eq!(came_back, [false, true]);
    assert_eq!((trail.hops[0].state, trail.hops[1].state), (State::InFlight, State::Unroutable));
}

#[test]
fn a_refused_publish_says_so_until_it_is_published_again() {
    let mut proxy = vec![(1, sent(1)), (2, answered(1, SettlementKind::Nack))];
    let mut firehose = vec![(3, publish("work", "k", &["q"]))];
    let trail = same("refused", vec![proxy.clone(), firehose.clone()]);
    assert!(trail.hops[0].confirmed_at.is_none() && trail.hops[0].refused_at.is_some());
    let told = Words::english().tell(&trail.verdict);
    let text = "On its way: the message has been waiting in queue q for 8 min 19 s; the limit is 10 min.";
    assert_eq!(told.headline, text);
    assert_eq!(told.next.as_deref(), Some("The broker refused it to its publisher: publish it again."));

    proxy.extend([(4, sent(2)), (5, answered(2, SettlementKind::Ack))]);
    proxy.extend([(6, given("crm", 1)), (7, ended("crm", 1, SettlementKind::Ack, false))]);
    firehose.push((8, publish("work", "k", &["q"])));
    let trail = same("published again", vec![proxy, firehose]);
    let states: Vec<(bool, bool)> =
        trail.hops.iter().map(|hop| (hop.refused_at.is_some(), hop.confirmed_at.is_some())).collect();
    assert_eq!(states, [(true, false), (false, true)]);
    assert_eq!(
        (trail.verdict.state(), trail.hops[0].state, trail.hops[1].state),
        (State::Completed, State::Completed, State::Unknown)
    );
}

#[test]
fn confirms_find_their_publishes_by_number() {
    let proxy = vec![(1, sent(1)), (2, sent(2)), (3, answered(2, SettlementKind::Nack))];
    let trail = same("out of order", vec![proxy, vec![(1, publish("work", "k", &["q"]))]]);
    assert_eq!((trail.hops[0].unconfirmed, trail.hops[1].unconfirmed), (true, false));
    assert!(trail.hops[0].refused_at.is_none() && trail.hops[1].refused_at.is_some());
}

#[test]
fn confirms_without_a_number_find_their_publishes_in_order() {
    let unnumbered = |mut event: Event| {
        event.delivery_tag = None;
        event
    };
    let proxy = vec![
        (1, unnumbered(sent(1))),
        (2, answered(1, SettlementKind::Nack)),
        (3, unnumbered(sent(2))),
        (4, answered(2, SettlementKind::Ack)),
    ];
    let trail = same("in order", vec![proxy, vec![(5, by(Source::Binding, publish("work", "k", &[])))]]);
    let times: Vec<_> = trail.hops.iter().map(|hop| (hop.refused_at.is_some(), hop.answered_after)).collect();
    assert_eq!(times, [(true, seconds(1)), (false, seconds(1))]);
    let text = "Not known: Shop sent the message on 21 Nov 2026, 02:00:03 UTC; the broker confirmed it, its queues were \
                not observed.";
    assert_eq!(headline(&trail.verdict), text);
}

#[test]
fn a_delivery_past_the_proxy_is_seen_by_the_firehose_only() {
    let proxy = vec![(1, sent(1)), (3, given("crm", 7)), (4, ended("crm", 7, SettlementKind::Nack, true))];
    let firehose = vec![
        (1, publish("work", "k", &["q"])),
        (3, deliver("work", "k", "q")),
        (9, traced(again(deliver("work", "k", "q")))),
    ];
    let trail = same("past", vec![proxy, firehose]);
    let (_, leg) = only(&trail);
    assert_eq!((leg.state, leg.deliveries, leg.given_back), (LegState::Delivered, 2, 1));
    assert_eq!((leg.settlement, leg.held), (None, None));
    assert_eq!(leg.consumer.connection.as_deref(), Some("127.0.0.1:9 -> 127.0.0.1:5672"));
}

#[test]
fn of_two_equal_messages_in_a_queue_the_one_that_was_given_back_is_delivered_again() {
    let proxy = vec![
        (1, sent(1)),
        (2, sent(2)),
        (3, given("crm", 1)),
        (4, given("mes", 1)),
        (5, ended("crm", 1, SettlementKind::Reject, true)),
        (6, again(given("crm", 2))),
        (7, ended("mes", 1, SettlementKind::Ack, false)),
        (8, ended("crm", 2, SettlementKind::Reject, false)),
    ];
    let firehose = vec![(1, publish("work", "k", &["q"])), (2, publish("work", "k", &["q"]))];
    let trail = same("equal", vec![proxy, firehose]);
    let legs: Vec<_> = trail.hops.iter().map(|hop| (hop.queues[0].state, hop.queues[0].deliveries)).collect();
    assert_eq!(legs, [(LegState::Dropped, 2), (LegState::Settled, 1)]);
}

#[test]
fn of_two_equal_messages_the_rejected_one_is_dead() {
    let proxy = vec![
        (1, sent(1)),
        (2, sent(2)),
        (3, given("crm", 1)),
        (4, given("mes", 1)),
        (5, ended("crm", 1, SettlementKind::Reject, false)),
        (6, ended("mes", 1, SettlementKind::Ack, false)),
    ];
    let firehose = vec![(7, publish("work", "k", &["q"])), (8, publish("work", "k", &["q"]))];
    let dead = vec![(9, death("q", "rejected", 1, ("work", "k"), ("dlx", "k")))];
    // The proxy's events come first, because it does not wait for a broker.
    let trail = told_at(&timed(vec![proxy, dead, firehose]).concat(), 500);
    let states: Vec<_> = trail.hops.iter().flat_map(|hop| &hop.queues).map(|leg| leg.state).collect();
    assert_eq!(states, [LegState::DeadLettered, LegState::Settled]);
    let text =
        "CRM refused (rejected) the message from queue q on 21 Nov 2026, 02:00:09 UTC. Nobody has taken it since.";
    assert_eq!(headline(&trail.verdict), text);
}

#[test]
fn an_order_s_verdict_says_what_its_consumer_did() {
    let of = |(seconds, mut event): (i64, Event)| {
        (event.order_id, event.status) = (Some("JW-1".into()), Some("STARTED".into()));
        (seconds, event)
    };
    let mut proxy = vec![(1, sent(1)), (2, answered(1, SettlementKind::Ack)), (3, given("crm", 7))];
    let told = |proxy: &Stream| {
        let events = timed(vec![proxy.iter().cloned().map(of).collect()]).concat();
        Words::english().tell(&trail_of(order(), &events, &OutOfSight::default(), 100).verdict)
    };
    let next = "SHIPPED should follow.";
    let check = |told: Told, next: &str| {
        assert_eq!(told.headline, "On its way: STARTED for 1 min 39 s, 21 s left.");
        assert_eq!((told.whose_turn.as_deref(), told.next.as_deref()), (Some("CRM"), Some(next)));
    };
    check(told(&proxy), next);
    for (kind, requeue, next) in [
        (SettlementKind::Ack, false, next),
        (SettlementKind::Reject, false, "Find the reason in the log of CRM, then publish the message again."),
        (SettlementKind::Nack, true, "Find in the log of CRM why it gave the message back."),
        (SettlementKind::Close, true, "Find in the log of CRM why its channel closed."),
    ] {
        proxy.truncate(3);
        proxy.push((64, ended("crm", 7, kind, requeue)));
        check(told(&proxy), next);
    }
}

#[test]
fn what_only_a_proxy_tells_costs_a_message_of_the_taps_little() {
    let sizes = (size_of::<super::super::leg::Leg>(), size_of::<super::super::hop::Hop>());
    assert!(sizes.0 <= 88 && sizes.1 <= 368, "{sizes:?}");
}
