//! The detector against tables and against a naive model.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::model::{Death, Seq, Source};
use crate::show::Words;

/// A rule over the windows and queues given; its window is a minute.
fn rule(threshold: u64, settings: &str) -> SpikeRule {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = format!("[[alert.dead_letter_spikes]]\nthreshold = {threshold}\nwindow = '60s'\n{settings}");
    std::fs::write(file.path(), text).expect("written");
    let config = crate::config::load(Some(file.path()), [], &vec![]).expect("valid");
    config.alert.dead_letter_spikes.into_iter().next().expect("a rule")
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + (seconds * 1e6).round() as i64)
}

fn dead(seconds: f64, queue: &str, reason: &str) -> Event {
    let mut event = Event::new(Kind::DeadLetter, Source::DeadLetter, at(seconds));
    event.seq = Seq((seconds * 1000.0) as u64);
    event.vhost = Some("/".into());
    event.order_id = Some(format!("JW-{}", seconds as u64).into());
    event.death = Some(Death {
        queue: queue.into(),
        reason: reason.into(),
        exchange: "e".into(),
        routing_keys: vec![],
        count: 1,
        first_at: None,
    });
    event
}

/// The alerts reported at a moment: their state, and their queue with its reason.
fn told(detector: &mut SpikeDetector, seconds: f64) -> Vec<(AlertState, String)> {
    let transitions = detector.tick(at(seconds)).into_iter().filter(|one| one.tell);
    transitions.map(|one| (one.alert.state, format!("{} {}", one.alert.queue, one.alert.reason))).collect()
}

fn burst(detector: &mut SpikeDetector, from: f64, count: u64) {
    (0..count).for_each(|n| detector.apply(&dead(from + n as f64, "mes.orders", "rejected")));
}

#[test]
fn a_spike_fires_once_and_resolves_when_it_stayed_below_the_threshold() {
    let mut detector = SpikeDetector::new(rule(3, "resolve_after = '30s'"));
    burst(&mut detector, 0.0, 2);
    assert_eq!(told(&mut detector, 2.0), []);
    burst(&mut detector, 2.0, 3);
    let fired = detector.tick(at(5.0));
    assert_eq!(fired.len(), 1);
    let alert = &fired[0].alert;
    let summary = "Consumers refused (rejected) 5 messages of queue mes.orders within 1 min; 3 are a spike.";
    assert_eq!(Words::english().headline(&alert.verdict()), summary);
    assert_eq!((alert.count, alert.threshold, alert.window), (5, 3, Duration::from_secs(60)));
    assert_eq!((alert.since, alert.resolved_at), (at(2.0), None));
    assert_eq!(alert.events, [4000, 3000, 2000, 1000, 0].map(Seq));
    assert_eq!(alert.orders.first().map(|order| &**order), Some("JW-4"));
    assert_eq!(told(&mut detector, 6.0), [], "not repeated");
    // Events at 0 to 4 leave until 64; fewer than three are in the window from 62 on.
    assert_eq!(told(&mut detector, 91.9), []);
    let over = detector.tick(at(92.1));
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].alert.state, over[0].tell, over[0].alert.id.clone()),
        (AlertState::Resolved, true, alert.id.clone())
    );
    let resolved_at = over[0].alert.resolved_at.expect("over");
    assert!(resolved_at > at(91.9) && resolved_at <= at(92.0), "{resolved_at}");
    assert_eq!(detector.watched.len(), 0, "nothing is kept of a quiet queue");
}

/// Every sentence of an alert. After an intended change, `UPDATE_EXPECT=1` rewrites it.
#[test]
fn summaries_in_full() {
    let mut text = String::new();
    for (window, threshold, count) in [(60, 1, 1), (60, 3, 5), (5400, 2, 2)] {
        let window = Duration::from_secs(window);
        let mut detector = SpikeDetector::new(SpikeRule { window, ..rule(threshold, "") });
        burst(&mut detector, 0.0, count);
        for one in detector.tick(at(5.0)).into_iter().chain(detector.tick(at(100_000.0))) {
            text += &format!("{}\n", Words::english().headline(&one.alert.verdict()));
        }
    }
    expect![[r#"
        Consumers refused (rejected) one message of queue mes.orders within 1 min; one is a spike.
        Over: Consumers refused (rejected) one message of queue mes.orders within 1 min; one is a spike.
        Consumers refused (rejected) 5 messages of queue mes.orders within 1 min; 3 are a spike.
        Over: Consumers refused (rejected) 5 messages of queue mes.orders within 1 min; 3 are a spike.
        Consumers refused (rejected) 2 messages of queue mes.orders within 1 h 30 min; 2 are a spike.
        Over: Consumers refused (rejected) 2 messages of queue mes.orders within 1 h 30 min; 2 are a spike.
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_spike_that_comes_back_within_the_quiet_time_is_the_same_alert() {
    let mut detector = SpikeDetector::new(rule(3, "resolve_after = '30s'"));
    burst(&mut detector, 0.0, 3);
    let id = detector.tick(at(3.0))[0].alert.id.clone();
    burst(&mut detector, 80.0, 4);
    assert_eq!(told(&mut detector, 100.0), []);
    let firing: Vec<_> = detector.firing().collect();
    assert_eq!((firing.len(), firing[0].id.clone(), firing[0].count), (1, id, 4));
}

#[test]
fn queues_reasons_and_virtual_hosts_are_counted_apart_and_filtered() {
    let mut detector = SpikeDetector::new(rule(2, "queues = ['mes.*']\nreasons = ['rejected', 'expired']"));
    let mut elsewhere = dead(0.3, "mes.b", "rejected");
    elsewhere.vhost = Some("other".into());
    let mut publish = dead(0.4, "mes.a", "rejected");
    publish.kind = Kind::Publish;
    for event in [
        dead(0.0, "mes.a", "rejected"),
        dead(0.1, "mes.a", "expired"),
        dead(0.2, "mes.b", "rejected"),
        elsewhere,
        publish,
        dead(0.5, "crm.a", "rejected"),
        dead(0.6, "crm.a", "rejected"),
        dead(0.7, "mes.c", "maxlen"),
        dead(0.8, "mes.c", "maxlen"),
    ] {
        detector.apply(&event);
    }
    assert_eq!(told(&mut detector, 1.0), []);
    detector.apply(&dead(1.0, "mes.a", "expired"));
    assert_eq!(told(&mut detector, 1.0), [(AlertState::Firing, "mes.a expired".to_owned())]);
}

#[test]
fn what_was_over_before_the_start_is_not_told_and_what_is_on_is_told_under_its_id() {
    let make = || {
        let mut detector = SpikeDetector::new(rule(3, ""));
        burst(&mut detector, 0.0, 5);
        detector
    };
    let first = make().tick(at(5.0)).remove(0).alert;
    let again = make().tick(at(30.0));
    assert_eq!((again[0].tell, again[0].alert.id.clone()), (true, first.id.clone()), "still on");
    let mut cooling = make();
    assert_eq!(told(&mut cooling, 70.0), [], "its window is over");
    assert_eq!(cooling.firing().count(), 1);
    assert_eq!(told(&mut cooling, 130.0), [(AlertState::Resolved, "mes.orders rejected".to_owned())]);
    let mut old = make();
    let transitions = old.tick(at(100_000.0));
    assert!(transitions.iter().all(|one| !one.tell && one.alert.id == first.id), "{transitions:?}");
    assert_eq!(transitions.len(), 1);
}

#[test]
fn the_number_of_queues_is_bounded_and_the_idle_ones_go_first() {
    let mut detector = SpikeDetector::new(rule(2, ""));
    detector.apply(&dead(0.0, "firing", "rejected"));
    detector.apply(&dead(0.0, "firing", "rejected"));
    for n in 0..3000 {
        detector.apply(&dead(1.0 + f64::from(n) / 1000.0, &format!("q{n}"), "rejected"));
    }
    assert_eq!(detector.watched.len(), WATCHED_MAX);
    assert!(detector.firing().any(|alert| &*alert.queue == "firing"));
    assert!(detector.watched.keys().any(|subject| &*subject.queue == "q2999"));
}

#[test]
fn samples_and_windows_are_bounded() {
    let mut detector = SpikeDetector::new(rule(10, ""));
    (0..100_000).for_each(|n| detector.apply(&dead(f64::from(n) / 1000.0, "q", "rejected")));
    let alert = detector.firing().next().expect("firing");
    assert_eq!((alert.events.len(), alert.orders.len()), (SAMPLES_MAX, SAMPLES_MAX));
    assert!((59_900..=60_000).contains(&alert.count), "{}", alert.count);
}

/// The same rule. It computes the firing alert anew from all times: its beginning and its peak.
struct Naive {
    threshold: usize,
    window: Duration,
    resolve_after: Duration,
}

impl Naive {
    /// The beginning and the peak of the firing alert, by `times` in slots of a thousandth of the window.
    fn firing(&self, times: &[i64], now: i64, slot: i64) -> Option<(i64, usize)> {
        let window = self.window.as_micros() as i64 / slot;
        let resolve = self.resolve_after.as_micros() as i64;
        let (mut firing, mut below): (Option<(i64, usize)>, Option<i64>) = (None, None);
        let mut moments: BTreeMap<i64, usize> = BTreeMap::new();
        for (index, at) in times.iter().enumerate() {
            moments.insert(*at, index + 1);
            moments.entry((at.div_euclid(slot) + window) * slot).or_insert(0);
        }
        moments.entry(now).or_insert(0);
        let mut seen = 0;
        for (moment, arrived) in moments.into_iter().filter(|(moment, _)| *moment <= now) {
            seen = seen.max(arrived);
            let inside = |upto: usize| {
                times[..upto].iter().filter(|at| at.div_euclid(slot) + window > moment.div_euclid(slot)).count()
            };
            // Old events leave first, then new events come.
            let count = inside(seen);
            let before = times[..seen].iter().filter(|at| **at == moment).count();
            if firing.is_some() && count - before < self.threshold && below.is_none() {
                below = Some(moment);
            }
            if below.is_some_and(|below| moment - below >= resolve) {
                (firing, below) = (None, None);
            }
            if before > 0 && count >= self.threshold {
                firing = firing.or(Some((moment, 0)));
                below = None;
            }
            if let Some((_, peak)) = &mut firing {
                *peak = (*peak).max(if before > 0 { count } else { 0 });
            }
        }
        firing
    }
}

proptest! {
    #[test]
    fn the_detector_agrees_with_the_naive_model(
        waits in proptest::collection::vec(prop_oneof![0i64..3_000_000, 20_000_000i64..130_000_000], 1..60),
        threshold in 1u64..6,
        ticks in proptest::collection::vec(any::<bool>(), 60),
        wait in 0i64..200_000_000,
    ) {
        let mut detector = SpikeDetector::new(rule(threshold, "resolve_after = '25s'"));
        let naive = Naive {
            threshold: threshold as usize, window: Duration::from_secs(60), resolve_after: Duration::from_secs(25),
        };
        let mut now = 1_800_000_000_000_000;
        let mut times = Vec::new();
        for (wait, tick) in waits.iter().zip(&ticks) {
            // All times differ, so the model need not order the events of one moment.
            now += wait + 1;
            times.push(now);
            let mut event = dead(0.0, "q", "rejected");
            event.at = Timestamp::from_micros(now);
            detector.apply(&event);
            if *tick {
                detector.tick(event.at);
            }
            let found = detector.firing().next().map(|alert| (alert.since, alert.count as usize));
            let expected = naive.firing(&times, now, 60_000);
            let expected = expected.map(|(since, peak)| (Timestamp::from_micros(since), peak));
            prop_assert_eq!(found, expected);
        }
        now += wait;
        detector.tick(Timestamp::from_micros(now));
        let found = detector.firing().next().map(|alert| alert.since);
        let expected = naive.firing(&times, now, 60_000).map(|(since, _)| Timestamp::from_micros(since));
        prop_assert_eq!(found, expected);
    }
}
