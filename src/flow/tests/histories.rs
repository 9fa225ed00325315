//! True histories, each reported in every order in which lagging sources can report it.

use proptest::prelude::*;

use super::*;

const WORK: (&str, &str) = ("work", "k");
const DLX: (&str, &str) = ("dlx", "k");
const RETRY: (&str, &str) = ("retry", "k");

/// Every way in which `streams` can come in. Each stream keeps its own order.
pub(super) fn merges(streams: &[Vec<Event>]) -> Vec<Vec<Event>> {
    let mut all = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        let Some((first, rest)) = stream.split_first() else { continue };
        let mut left = streams.to_vec();
        left[index] = rest.to_vec();
        for mut merged in merges(&left) {
            merged.insert(0, first.clone());
            all.push(merged);
        }
    }
    if all.is_empty() { vec![Vec::new()] } else { all }
}

fn check(name: &str, streams: &[Vec<Event>], expected: &[&str]) {
    let merges = merges(streams);
    for merged in &merges {
        let story: Vec<String> =
            merged.iter().map(|e| format!("{} {} {:?}", e.source, e.kind, e.queue.as_deref())).collect();
        assert_eq!(told(&join(&journal(merged.clone()))), expected, "{name}: {story:#?}");
    }
}

#[test]
fn a_publish_seen_by_two_sources_is_one_hop() {
    let firehose = vec![publish("work", "k", &["q"]), deliver("work", "k", "q")];
    let binding = vec![by(Source::Binding, publish("work", "k", &[]))];
    check("publish", &[firehose, binding], &["work q:delivered*1"]);
}

#[test]
fn the_same_id_published_twice_is_two_hops() {
    let once = || publish("work", "k", &["q"]);
    let firehose = vec![once(), once(), deliver("work", "k", "q")];
    let binding = vec![by(Source::Binding, once()), by(Source::Binding, once())];
    check("twice", &[firehose, binding], &["work q:delivered*1", "work q:waiting*0"]);
}

#[test]
fn each_queue_owes_its_own_delivery() {
    let firehose = vec![publish("work", "k", &["a", "b"]), publish("other", "k", &["a"]), deliver("other", "k", "a")];
    check("owed", &[firehose], &["work a:waiting*0 b:waiting*0", "other a:delivered*1"]);
}

#[test]
fn a_rejected_message_is_dead_whichever_tap_lags() {
    let firehose = vec![publish("work", "k", &["q"]), deliver("work", "k", "q"), moved(deliver("dlx", "k", "dlq"))];
    let dead = vec![death("q", "rejected", 1, WORK, DLX)];
    check("rejected", &[firehose, dead], &["work q:dead_lettered*1", "dlx <q dlq:delivered*1"]);
}

#[test]
fn a_delivery_limit_counts_every_delivery_whichever_tap_lags() {
    let firehose = vec![
        publish("work", "k", &["q"]),
        deliver("work", "k", "q"),
        again(deliver("work", "k", "q")),
        again(deliver("work", "k", "q")),
    ];
    let dead = vec![death("q", "delivery_limit", 1, WORK, DLX)];
    check("limit", &[firehose, dead], &["work q:dead_lettered*3", "dlx <q"]);
}

#[test]
fn a_retry_by_ttl_is_made_good_by_the_next_delivery_whichever_tap_lags() {
    let firehose = vec![publish("work", "k", &["q"]), deliver("work", "k", "q"), moved(deliver("work", "k", "q"))];
    let dead = vec![death("q", "rejected", 1, WORK, RETRY), death("wait", "expired", 1, RETRY, WORK)];
    let expected = ["work q:dead_lettered+*1", "retry <q wait:dead_lettered+*0", "work <wait q:delivered*1"];
    check("retry", &[firehose, dead], &expected);
}

#[test]
fn a_full_queue_s_death_needs_no_delivery() {
    let dead = vec![death("q", "maxlen", 1, WORK, DLX)];
    check(
        "maxlen",
        &[vec![publish("work", "k", &["q", "r"])], dead],
        &["work q:dead_lettered*0 r:waiting*0", "dlx <q"],
    );
}

#[test]
fn a_death_and_its_second_view_are_one() {
    let twice = vec![death("q", "expired", 1, WORK, DLX), death("q", "expired", 1, WORK, DLX)];
    check("twice", &[vec![publish("work", "k", &["q"])], twice], &["work q:dead_lettered*0", "dlx <q"]);
}

#[test]
fn a_republished_message_that_dies_again_has_two_deaths() {
    let mut second = death("q", "rejected", 1, WORK, DLX);
    second.death.as_mut().expect("a death").first_at = Some(at(60_000));
    let dead = [death("q", "rejected", 1, WORK, DLX), second];
    let events =
        journal([publish("work", "k", &["q"]), deliver("work", "k", "q"), dead[0].clone()].into_iter().chain([
            publish("work", "k", &["q"]),
            deliver("work", "k", "q"),
            dead[1].clone(),
        ]));
    let expected = ["work q:dead_lettered+*1", "dlx <q", "work q:dead_lettered*1", "dlx <q"];
    assert_eq!(told(&join(&events)), expected);
}

#[test]
fn two_taps_of_one_delivery_count_it_once_and_a_settlement_stays() {
    let firehose = vec![publish("work", "k", &["q"]), deliver("work", "k", "q"), again(deliver("work", "k", "q"))];
    let proxy = vec![
        by(Source::Proxy, deliver("work", "k", "q")),
        settle("q", SettlementKind::Nack, true),
        by(Source::Proxy, again(deliver("work", "k", "q"))),
        settle("q", SettlementKind::Ack, false),
    ];
    check("proxy", &[firehose, proxy], &["work q:settled*2"]);
}

#[test]
fn a_return_belongs_to_the_publish_that_came_back() {
    let mut returned = event(Kind::Return, Source::Proxy, "work", "k");
    returned.routed_queues = None;
    let proxy =
        vec![by(Source::Proxy, publish("work", "k", &[])), returned, by(Source::Proxy, publish("work", "k", &[]))];
    let mut lost = publish("work", "k", &[]);
    lost.kind = Kind::Unroutable;
    for merged in merges(&[vec![lost, publish("work", "k", &["q"])], proxy]) {
        let message = join(&journal(merged));
        let unroutable: Vec<bool> = message.hops.iter().map(|hop| hop.unroutable).collect();
        assert_eq!(unroutable, [true, false]);
    }
}

#[test]
fn orders_that_share_a_message_id_are_not_joined() {
    let of = |order: &str, mut event: Event| {
        event.order_id = Some(order.into());
        event
    };
    let events = journal([
        of("A", publish("work", "k", &["q"])),
        of("B", publish("work", "k", &["q"])),
        of("B", deliver("work", "k", "q")),
        of("A", death("q", "expired", 1, WORK, DLX)),
    ]);
    assert_eq!(told(&join(&events)), ["work q:dead_lettered*0", "work q:delivered*1", "dlx <q"]);
}

#[test]
fn one_message_is_bounded_and_its_newest_hops_are_kept() {
    let queues: Vec<String> = (0..1000).map(|n| format!("q{n}")).collect();
    let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
    let events = journal(
        (0..10_000).map(|n| if n == 0 { publish("first", "k", &queues) } else { publish("work", "k", &["q"]) }),
    );
    let message = join(&events);
    assert_eq!((message.hops.len(), message.hops[0].legs.len()), (64, 256));
    assert_eq!(message.hops[63].events, [Seq(10_000)]);
    assert_eq!(state_of(&message, "q"), LegState::Waiting);
}

/// One pass of a message through its work queue.
#[derive(Clone, Debug)]
enum Pass {
    /// Delivered this many times, then rejected. The message waits in the retry queue and comes back.
    Retried(usize),
}

prop_compose! {
    fn history()(
        passes in prop::collection::vec((1..4usize).prop_map(Pass::Retried), 0..4),
        last in 0..3usize, dies in any::<bool>(), with_binding in any::<bool>(), picks in prop::collection::vec(0..3usize, 64),
    ) -> (Vec<Vec<Event>>, Vec<String>, Vec<usize>) {
        let mut firehose = vec![publish("work", "k", &["q"])];
        let mut dead = Vec::new();
        let mut expected = Vec::new();
        let mut deliveries = |times: usize, first: bool| for n in 0..times {
            let event = deliver("work", "k", "q");
            let event = if first { event } else { moved(event) };
            firehose.push(if n == 0 { event } else { again(event) });
        };
        let mut place = "work".to_owned();
        for (index, Pass::Retried(times)) in passes.iter().enumerate() {
            deliveries(*times, index == 0);
            let count = index as u64 + 1;
            dead.push(death("q", "rejected", count, WORK, RETRY));
            dead.push(death("wait", "expired", count, RETRY, WORK));
            expected.push(format!("{place} q:dead_lettered+*{times}"));
            expected.push("retry <q wait:dead_lettered+*0".to_owned());
            place = "work <wait".to_owned();
        }
        // After a retry, only a delivery shows that the message is back in its queue.
        let last = if passes.is_empty() { last } else { last + 1 };
        deliveries(last, passes.is_empty());
        if dies && last > 0 {
            dead.push(death("q", "rejected", passes.len() as u64 + 1, WORK, DLX));
            expected.push(format!("{place} q:dead_lettered*{last}"));
            expected.push("dlx <q".to_owned());
        } else {
            expected.push(format!("{place} q:{}*{last}", if last > 0 { "delivered" } else { "waiting" }));
        }
        let binding = if with_binding { vec![by(Source::Binding, publish("work", "k", &[]))] } else { vec![] };
        (vec![firehose, dead, binding], expected, picks)
    }
}

proptest! {
    #[test]
    fn what_is_told_of_a_history_does_not_depend_on_who_lags((streams, expected, picks) in history()) {
        let mut left: Vec<std::collections::VecDeque<Event>> = streams.into_iter().map(Into::into).collect();
        let mut merged = Vec::new();
        for pick in picks.iter().cycle() {
            left.retain(|stream| !stream.is_empty());
            if left.is_empty() { break }
            let index = pick % left.len();
            merged.extend(left[index].pop_front());
        }
        prop_assert_eq!(told(&join(&journal(merged))), expected);
    }
}
