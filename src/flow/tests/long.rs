//! Orders and messages with long histories. The verdict uses the whole history, in bounded memory.

use proptest::prelude::*;

use super::super::Flow;
use super::super::join::{Join, Joined};
use super::super::order::{Messages, Status};
use super::super::verdict::judge;
use super::*;
use crate::journal::Writer;

const WORK: (&str, &str) = ("work", "k");
const DLX: (&str, &str) = ("dlx", "k");

fn of(order: Option<&str>, message: &str, mut event: Event) -> Event {
    event.order_id = order.map(Str::from);
    event.message_id = Some(message.into());
    event
}

fn announcing(status: &str, mut event: Event) -> Event {
    event.status = Some(status.into());
    event
}

/// The events of one message, in the order of their reports, and whether the message is in trouble for ever.
fn life(variant: u64, status: Option<&str>) -> (Vec<Event>, bool) {
    let sent = publish("work", "k", &["q"]);
    let sent = status.map_or(sent.clone(), |status| announcing(status, sent));
    let (taken, dead) = (deliver("work", "k", "q"), death("q", "rejected", 1, WORK, DLX));
    match variant {
        0 => (vec![sent], true),
        1 => (vec![sent, taken, dead], true),
        2 => (vec![sent.clone(), taken.clone(), dead, sent, taken], false),
        3 => (vec![sent.clone(), by(Source::Binding, sent), taken.clone(), again(taken)], false),
        _ => (vec![sent, taken], false),
    }
}

/// An order with this many messages. A few are under way at a time, and a few stay in trouble.
fn history(seed: u64, messages: u64) -> Vec<Event> {
    let mut random = seed;
    let mut random = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let (mut open, mut events, mut started, mut troubled) = (Vec::new(), Vec::new(), 0, 0);
    let mut millis = 0;
    while started < messages || !open.is_empty() {
        if started < messages && (open.is_empty() || open.len() < 6 && random(2) == 0) {
            started += 1;
            let status = ["SUBMITTED", "STARTED", "OTHER", "SHIPPED"][random(4) as usize % (1 + random(4) as usize)];
            let status = (started == 1 || random(3) == 0).then_some(status);
            let variant = if troubled < 8 && random(40) == 0 { random(2) } else { 2 + random(4) };
            let (steps, is_troubled) = life(variant, status);
            troubled += u64::from(is_troubled);
            open.push((started, std::collections::VecDeque::from(steps)));
        }
        let index = random(open.len() as u64) as usize;
        let (message, steps) = &mut open[index];
        let event = of(Some("JW-1"), &format!("m-{message}"), steps.pop_front().expect("a step"));
        if steps.is_empty() {
            open.swap_remove(index);
        }
        millis += random(20_000) as i64;
        events.push(Event { at: at(millis), seq: Seq(events.len() as u64 + 1), ..event });
    }
    events
}

fn judged(mut messages: Messages, now: Timestamp) -> (String, Vec<Status>) {
    let statuses = messages.statuses(&settings());
    messages.resolve(&statuses);
    (format!("{:?}", judge(&order(), &messages, &statuses, &settings(), now)), statuses)
}

proptest! {
    #[test]
    fn a_streamed_history_is_judged_as_one_that_is_held(seed in any::<u64>(), messages in 100..500u64, late in 0..2_000_000i64) {
        let (events, settings) = (history(seed, messages), settings());
        let now = Timestamp::from_micros(events.last().expect("events").at.as_micros() + late * 1000);
        let mut join = Join::with_room(&settings, 64);
        for event in &events {
            join.apply(event);
            prop_assert!(join.held() <= 128);
        }
        let Joined { messages: streamed, evicted_hops, unjudged } = join.finish();
        prop_assert_eq!(unjudged, 0);
        prop_assert_eq!(evicted_hops > 0, messages > 128);
        prop_assert_eq!(judged(streamed, now), judged(Messages::join(&events), now));
    }
}

#[test]
fn a_history_of_any_length_is_kept_in_bounded_memory() {
    let settings = settings();
    let mut history = History::new(&settings);
    for n in 0..50_000u64 {
        let event = of(Some("JW-1"), &format!("m-{n}"), announcing(&format!("S-{}", n % 3), publish("work", "k", &[])));
        history.apply(Event { at: at(n as i64), seq: Seq(n + 1), ..event });
        let (events, messages) = history.kept();
        assert!(events <= 2_000 && messages <= 5_200, "{events} events, {messages} messages");
    }
    let trail = super::super::trail::build(order(), history, &OutOfSight::default(), &settings, at(50_000));
    let not_shown = trail.not_shown.expect("most of it");
    assert_eq!((not_shown.events, not_shown.hops, not_shown.unjudged_messages), (48_000, 48_000, 0));
    assert_eq!((not_shown.from, not_shown.to), (at(200), at(48_199)));
    let (first, last) = (trail.events[0].seq, trail.events[1999].seq);
    assert_eq!((trail.events[199].seq, trail.events[200].seq), (Seq(200), Seq(48_201)));
    assert_eq!((first, last, trail.hops.len(), trail.statuses.len()), (Seq(1), Seq(50_000), 2_000, 2_000));
    assert_eq!((trail.hops[199].events[0], trail.hops[200].events[0]), (Seq(200), Seq(48_201)));
}

#[test]
fn messages_that_are_too_many_to_be_held_are_counted() {
    let settings = settings();
    let mut history = History::new(&settings);
    for n in 0..6_000u64 {
        let event = of(Some("JW-1"), &format!("m-{n}"), announcing("STARTED", publish("work", "k", &["q"])));
        history.apply(Event { at: at(n as i64), seq: Seq(n + 1), ..event });
    }
    let trail = super::super::trail::build(order(), history, &OutOfSight::default(), &settings, at(50_000));
    assert_eq!(trail.not_shown.expect("some of it").unjudged_messages, 6_000 - 5_200);
}

/// A journal with these events.
fn recorded(dir: &std::path::Path, events: Vec<Event>) -> Flow {
    let (mut writer, reader, _) = Writer::open(dir).expect("a journal");
    let mut events = events;
    for batch in events.chunks_mut(4096) {
        writer.append(batch, &[]).expect("a working disk");
    }
    Flow::new(reader, settings())
}

#[test]
fn an_order_of_fifty_thousand_events_is_judged_by_all_of_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut events = Vec::new();
    for n in 0..12_500i64 {
        let id = format!("m-{n}");
        let sent = of(Some("JW-1"), &id, announcing("STARTED", publish("work", "k", &["q"])));
        let taken = of(None, &id, deliver("work", "k", "q"));
        let seen = by(Source::Binding, sent.clone());
        // One message in the middle was never delivered. None of the shown events is about it.
        let told = if n == 7_000 { vec![sent, seen] } else { vec![sent, taken.clone(), again(taken), seen] };
        events.extend(told.into_iter().map(|event| Event { at: at(n * 20), ..event }));
    }
    let flow = recorded(dir.path(), events);
    let trail = flow.order("JW-1", at(1_000_000)).expect("readable").expect("known");
    assert_eq!(trail.verdict.state(), State::Stalled, "{:?}", trail.verdict);
    assert!(headline(&trail.verdict).contains("m-7000"), "{:?}", trail.verdict);
    let not_shown = trail.not_shown.expect("most of it");
    assert_eq!((not_shown.events, not_shown.unjudged_messages, trail.events.len()), (49_998 - 2_000, 0, 2_000));
    assert!(trail.events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(trail.hops.len() == 2_000 && trail.statuses.len() == 1);
}

#[test]
fn of_an_order_every_message_is_looked_up_by_its_own_id() {
    let dir = tempfile::tempdir().expect("a directory");
    let message = |n: i64| {
        let id = format!("m-{n}");
        let sent = of(Some("JW-1"), &id, announcing("STARTED", publish("work", "k", &["q"])));
        let taken = of(None, &id, deliver("work", "k", "q"));
        let of_another = of(Some("JW-2"), &id, publish("other", "k", &["elsewhere"]));
        [sent, of_another, taken].map(|event| Event { at: at(n), ..event })
    };
    let flow = recorded(dir.path(), (0..500).flat_map(message).collect());
    let trail = flow.order("JW-1", at(60_000)).expect("readable").expect("known");
    assert_eq!(
        (trail.verdict.state(), trail.events.len(), trail.hops.len()),
        (State::InFlight, 1_000, 500),
        "{:?}",
        trail.verdict
    );
    let delivered = trail.hops.iter().filter(|hop| hop.queues[0].state == LegState::Delivered).count();
    assert_eq!((delivered, trail.not_shown), (500, None));
    assert_eq!(flow.order("JW-3", at(60_000)).expect("readable"), None);
}

#[test]
fn a_message_that_is_given_back_for_ever_is_judged_by_its_newest_delivery() {
    let dir = tempfile::tempdir().expect("a directory");
    let taken = |n: i64| Event { at: at(n * 1000), ..again(deliver("work", "k", "q")) };
    let events = std::iter::once(publish("work", "k", &["q"])).chain((1..=5_000).map(taken)).collect();
    let flow = recorded(dir.path(), events);
    let trail = flow.message(&MessageKey::Id("m-1".into()), at(5_000_000)).expect("readable").expect("known");
    assert_eq!((trail.hops.len(), trail.hops[0].queues[0].deliveries), (1, 5_000));
    assert_eq!(trail.hops[0].queues[0].delivered_at, Some(at(5_000_000)));
    assert_eq!(trail.not_shown.expect("most of it").events, 5_001 - 2_000);
}
