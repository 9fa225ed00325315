//! Headlines of random histories: short, whole, and without saying a moment twice.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;

use super::super::StalledQuery;
use super::super::engine::Engine;
use super::proxied::{answered, ended, given, returned, sent};
use super::*;
use crate::model::Told;
use crate::show::Words;

const WORDS_MAX: usize = 25;

static MOMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d").unwrap());

/// The fault of a sentence, if it has one.
fn fault(text: &str) -> Option<&'static str> {
    let moments: Vec<&str> = MOMENT.find_iter(text).map(|found| found.as_str()).collect();
    let marks = ["{", "}", "$", "  ", " ,", " .", " ;", " :", "()", "..", "queue  ", "unknown"];
    match () {
        () if text.is_empty() => Some("is empty"),
        () if !text.ends_with('.') => Some("has no end"),
        () if text.starts_with(char::is_lowercase) => Some("begins small"),
        () if marks.iter().any(|mark| text.contains(mark)) => Some("has a hole"),
        () if moments.iter().collect::<BTreeSet<_>>().len() < moments.len() => Some("says a moment twice"),
        () => None,
    }
}

fn check(told: &Told) -> Result<(), TestCaseError> {
    let words = told.headline.split_whitespace().count();
    prop_assert!(words <= WORDS_MAX, "{words} words: {}", told.headline);
    for text in std::iter::once(&told.headline).chain(&told.next) {
        prop_assert!(fault(text).is_none(), "it {}: {text}", fault(text).unwrap_or_default());
    }
    if let Some(turn) = &told.whose_turn {
        prop_assert!(!turn.trim().is_empty() && !turn.contains(['{', '$']), "{turn}");
    }
    Ok(())
}

/// An event that a source may report of a message.
fn told() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(SettlementKind::ALL.to_vec());
    let reason = prop::sample::select(vec!["rejected", "expired", "maxlen", "delivery_limit", "odd"]);
    let queue = prop::sample::select(vec!["q", "p"]);
    let unroutable = || {
        let mut event = publish("work", "k", &[]);
        event.kind = Kind::Unroutable;
        event
    };
    prop_oneof![
        queue.clone().prop_map(|queue| publish("work", "k", &[queue])),
        Just(publish("", "q", &["q"])),
        Just(publish("work", "k", &["q", "p"])),
        Just(by(Source::Binding, publish("work", "k", &[]))),
        Just(unroutable()),
        (1..3u64).prop_map(sent),
        (1..3u64, kind.clone()).prop_map(|(tag, kind)| answered(tag, kind)),
        Just(returned()),
        queue.clone().prop_map(|queue| deliver("work", "k", queue)),
        Just(again(deliver("work", "k", "q"))),
        (1..4u64).prop_map(|tag| given("crm", tag)),
        (1..4u64).prop_map(|tag| again(given("mes", tag))),
        (1..4u64, kind, any::<bool>()).prop_map(|(tag, kind, requeue)| ended("crm", tag, kind, requeue)),
        (queue, reason, 1..4u64)
            .prop_map(|(queue, reason, times)| { death(queue, reason, times, ("work", "k"), ("dlx", "dead")) }),
        Just(moved(deliver("dlx", "dead", "dlq"))),
    ]
}

/// A history of such events. Each has a moment, a message, and maybe a status that it announces.
fn history() -> impl Strategy<Value = Vec<Event>> {
    let status = prop::option::of(prop::sample::select(vec!["SUBMITTED", "STARTED", "SHIPPED", "ODD"]));
    let one = (told(), prop::sample::select(vec!["m-1", "m-2"]), status, 0..2000i64);
    vec(one, 1..14).prop_map(|steps| {
        let mut now = 0;
        let stamp = |(number, (mut event, id, status, wait)): (u64, (Event, &str, Option<&str>, i64))| {
            now += wait * 500;
            (event.seq, event.at) = (Seq(number), at(now));
            (event.message_id, event.order_id) = (Some(id.into()), Some("JW-1".into()));
            event.status = status.map(Into::into);
            event
        };
        (1..).zip(steps).map(stamp).collect()
    })
}

proptest! {
    #[test]
    fn every_headline_is_short_and_whole(
        events in history(), lost in prop::option::of(0..20_000i64), later in prop::sample::select(vec![0, 5, 700, 200_000i64]),
    ) {
        let seconds = events.last().map_or(0, |last| (last.at.as_micros() - START) / 1_000_000) + later;
        let gap = lost.map(|to| super::sight::lost(None, (0, to), None));
        let out_of_sight = OutOfSight::of(&gap);
        let of_one: Vec<Event> = events.iter().filter(|event| event.message_id.as_deref() == Some("m-1")).cloned().collect();
        for (subject, events) in [(order(), &events), (message(), &of_one)] {
            let trail = trail_of(subject, events, &out_of_sight, seconds);
            check(&Words::english().tell(&trail.verdict))?;
        }
        let mut engine = Engine::new(settings());
        events.iter().chain(&gap).for_each(|event| engine.apply(event));
        for item in engine.stalled(&StalledQuery::default(), at(seconds * 1000)).stalled {
            check(&Words::english().tell(&item.verdict))?;
        }
    }
}

#[test]
fn faults_of_a_sentence_are_found() {
    assert_eq!(fault("Shop sent it on 21 Nov 2026, 02:00:01 UTC."), None);
    for text in [
        "",
        "No end",
        "small.",
        "In queue { $queue }.",
        "In queue  twice.",
        "On 21 Nov 2026, 02:00:01 UTC and 21 Nov 2026, 02:00:01 UTC.",
    ] {
        assert!(fault(text).is_some(), "{text}");
    }
}
