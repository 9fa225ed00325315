//! True histories of a message that the proxy and taps see. Each has the same trail for every lag of the sources.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::proxied::{Stream, answered, ended, given, sent, timed, told_at};
use super::*;

/// The end of a delivery.
#[derive(Clone, Copy, Debug)]
enum End {
    GivenBack(SettlementKind),
    /// The session's end is reported after the next delivery.
    ToldLate,
}

const GIVEN_BACK: [SettlementKind; 4] =
    [SettlementKind::Nack, SettlementKind::Reject, SettlementKind::Close, SettlementKind::Recover];

prop_compose! {
    /// Passes through the work queue. In each, the message is requeued some times, then rejected into the retry queue.
    /// From there it returns.
    fn history()(
        passes in prop::collection::vec(prop::collection::vec(prop_oneof![
            prop::sample::select(GIVEN_BACK.to_vec()).prop_map(End::GivenBack),
            Just(End::ToldLate),
        ], 0..3), 0..4),
        last in prop::option::of(prop::sample::select(vec![SettlementKind::Ack, SettlementKind::Reject])),
        confirmed in any::<bool>(),
        picks in prop::collection::vec(0..4usize, 64),
    ) -> (Vec<Vec<Event>>, Vec<String>, Vec<usize>) {
        let (mut second, mut tag) = (0, 0);
        let mut next = || { second += 1; second };
        let mut proxy: Stream = vec![(next(), sent(1))];
        let mut firehose: Stream = vec![(next(), publish("work", "k", &["q"]))];
        let mut dead: Stream = Vec::new();
        let binding = vec![(next(), by(Source::Binding, publish("work", "k", &[])))];
        if confirmed { proxy.push((next(), answered(1, SettlementKind::Ack))) }
        let mut expected = Vec::new();
        let mut place = "work".to_owned();
        for (pass, ends) in passes.iter().enumerate() {
            let is_last = pass + 1 == passes.len();
            let mut late = None;
            for n in 0..=ends.len() {
                tag += 1;
                let mark = |event: Event| {
                    let event = if pass > 0 { moved(event) } else { event };
                    if n > 0 { again(event) } else { event }
                };
                proxy.push((next(), mark(given("crm", tag))));
                proxy.extend(late.take().map(|tag| (next(), ended("crm", tag, SettlementKind::Close, true))));
                firehose.push((next(), mark(deliver("work", "k", "q"))));
                match ends.get(n) {
                    Some(End::GivenBack(kind)) => proxy.push((next(), ended("crm", tag, *kind, true))),
                    Some(End::ToldLate) => late = Some(tag),
                    None if is_last => proxy.extend(last.map(|kind| (next(), ended("crm", tag, kind, false)))),
                    None => proxy.push((next(), ended("crm", tag, SettlementKind::Reject, false))),
                }
            }
            let times = ends.len() + 1;
            let state = match last {
                Some(SettlementKind::Ack) => "settled",
                Some(_) => "dropped",
                None => "unsettled",
            };
            if is_last {
                expected.push(format!("{place} q:{state}*{times}"));
            } else {
                let count = pass as u64 + 1;
                dead.push((next(), death("q", "rejected", count, ("work", "k"), ("retry", "k"))));
                dead.push((next(), death("wait", "expired", count, ("retry", "k"), ("work", "k"))));
                expected.push(format!("{place} q:dead_lettered+*{times}"));
                expected.push("retry <q wait:dead_lettered+*0".to_owned());
                place = "work <wait".to_owned();
            }
        }
        if passes.is_empty() { expected.push("work q:waiting*0".to_owned()) }
        (timed(vec![proxy, firehose, dead, binding]), expected, picks)
    }
}

proptest! {
    #[test]
    fn a_proxied_history_is_told_the_same_whoever_lags((streams, expected, picks) in history()) {
        let in_order = streams.concat();
        let mut left: Vec<VecDeque<Event>> = streams.into_iter().map(Into::into).collect();
        let mut merged = Vec::new();
        for pick in picks.iter().cycle() {
            left.retain(|stream| !stream.is_empty());
            if left.is_empty() { break }
            let index = pick % left.len();
            merged.extend(left[index].pop_front());
        }
        prop_assert_eq!(told(&join(&merged)), expected);
        prop_assert_eq!(told_at(&merged, 500), told_at(&in_order, 500));
    }
}
