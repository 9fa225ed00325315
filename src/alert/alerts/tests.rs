//! The handle, from events to the report.

use super::*;
use crate::model::{Death, Kind, Source};

fn config(settings: &str) -> config::Alert {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), settings).expect("written");
    config::load(Some(file.path()), [], &vec![]).expect("valid").alert
}

fn dead(micros: i64, queue: &str) -> Event {
    let mut event = Event::new(Kind::DeadLetter, Source::DeadLetter, Timestamp::from_micros(micros));
    event.death = Some(Death {
        queue: queue.into(),
        reason: "rejected".into(),
        exchange: "".into(),
        routing_keys: vec![],
        count: 1,
        first_at: None,
    });
    event
}

#[test]
fn the_report_has_what_fires_before_what_is_over_and_is_bounded() {
    let (alerts, _) = Alerts::new(&config(
        "[[alert.dead_letter_spikes]]\nthreshold = 1\nwindow = '1s'\n[[alert.dead_letter_spikes]]\nname = 'other'\n\
         queues = ['never']",
    ))
    .expect("no webhook");
    for n in 0..150 {
        alerts.apply(&[dead(n * 10_000_000, &format!("q{n}"))]);
        alerts.tick(Timestamp::from_micros(n * 10_000_000));
    }
    let report = alerts.report();
    assert_eq!(report.len(), 1 + RECENT_MAX);
    let states: Vec<_> = report.iter().map(|alert| (alert.state, alert.queue.to_string())).take(3).collect();
    assert_eq!(
        states,
        [
            (AlertState::Firing, "q149".to_owned()),
            (AlertState::Resolved, "q148".to_owned()),
            (AlertState::Resolved, "q147".to_owned())
        ]
    );
    assert_eq!(alerts.notifications(), (0, 0));
}

#[test]
fn alerts_wait_for_the_webhook_in_a_bounded_queue() {
    let text = "[alert]\nwebhook_url = 'http://127.0.0.1:9/'\n[[alert.dead_letter_spikes]]\nthreshold = 1\n";
    let (alerts, notifier) = Alerts::new(&config(text)).expect("a client");
    for n in 0..300 {
        alerts.apply(&[dead(n, &format!("q{n}"))]);
    }
    alerts.tick(Timestamp::from_micros(300));
    assert_eq!(alerts.notifications(), (0, 300 - 256), "those that found no room have failed");
    drop(notifier);
}

#[test]
fn alerts_that_begin_again_find_the_same() {
    let (alerts, _) =
        Alerts::new(&config("[[alert.dead_letter_spikes]]\nthreshold = 1\nwindow = '1s'")).expect("no webhook");
    let play = || {
        alerts.apply(&[dead(0, "over"), dead(60_000_000, "firing")]);
        alerts.tick(Timestamp::from_micros(60_000_000));
        alerts.report()
    };
    let told = play();
    assert_eq!(told.len(), 2, "one that fires, one that is over: {told:?}");
    alerts.begin();
    assert_eq!(alerts.report(), []);
    assert_eq!(play(), told);
}
