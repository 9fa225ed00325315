//! Stopping in good order, and going on.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::json;

use crate::support::hoptrail::command;
use crate::support::ledger::assert_dense;
use crate::support::process::Process;
use crate::support::{Scene, on_each_broker};

#[test]
fn a_stop_is_recorded_leaves_no_tracing_behind_and_the_next_start_goes_on() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        assert!(is_traced(&scene).await);
        let client = scene.client().await;
        client.publish("orders", "k", "before", "ring").await;
        hoptrail.wait_events("&message_id=before", 2).await;
        let status = hoptrail.stop();
        assert_eq!(status.code(), Some(0), "{}", hoptrail.log());
        assert!(!is_traced(&scene).await, "what hoptrail switched on it switches off");
        client.publish("orders", "k", "meanwhile", "ring").await;

        hoptrail.restart();
        hoptrail.wait_live().await;
        client.publish("orders", "k", "after", "ring").await;
        hoptrail.wait_events("&message_id=after", 2).await;
        let late = hoptrail.wait_events("&message_id=meanwhile", 1).await;
        assert_eq!((late[0].source.as_ref(), late[0].observed_late, late.len()), ("binding", true, 1));
        let events = hoptrail.events("").await;
        assert_dense(&events);
        for source in ["binding", "dead_letter", "firehose"] {
            let stopped = events.iter().filter(|event| {
                event.source.as_ref() == source
                    && event.topology.as_ref().is_some_and(|told| &*told.change == "tap.stopped")
            });
            assert_eq!(stopped.count(), 1, "{source}");
            let gap = events.iter().filter_map(|event| event.gap.as_ref()).find(|gap| gap.source.as_ref() == source);
            assert!(gap.unwrap().cause.contains("hoptrail was not running"), "{gap:?}");
        }
    });
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, end_of_log) = std::io::pipe().unwrap();
    let settings = [
        ("journal.dir", dir.path().to_str().unwrap()),
        ("serve.listen", "127.0.0.1:0"),
        // Nobody is there, which is told.
        ("broker.url", "amqp://guest:guest@127.0.0.1:1/%2f"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut hoptrail = Process::start(command("run", &settings).stderr(end_of_log));
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(" http=")), "it does not serve");
    drop(lines);
    hoptrail.signal("TERM");
    assert_eq!(hoptrail.wait(Duration::from_secs(60)).code(), Some(0));
}

#[test]
fn tracing_that_was_on_before_stays_on() {
    on_each_broker(async |scene: Scene| {
        scene.put(&format!("vhosts/{}", scene.vhost), json!({ "tracing": true })).await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        assert!(hoptrail.stop().success());
        assert!(is_traced(&scene).await);
    });
}

pub async fn is_traced(scene: &Scene) -> bool {
    scene.get(&format!("vhosts/{}", scene.vhost)).await["tracing"] == true
}
