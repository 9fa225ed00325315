//! An independent witness of the proxy: tshark decodes what passes between clients and the proxy, and the journal must
//! say the same, event by event.
//!
//! Events of one channel are compared in the order in which its client, or the broker, made them happen. The two sides'
//! order among each other is not the same at every place of the way, so the traffic is such that nothing depends on it.

mod capture;
mod facts;
mod model;
mod pdml;
mod properties;
mod traffic;

use serde_json::Value;

use self::capture::Capture;
use self::facts::Facts;
use crate::support::hoptrail::Hoptrail;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn the_journal_says_of_every_message_what_tshark_sees_on_the_wire() {
    on_each_broker(async |scene: Scene| {
        let hoptrail = scene.hoptrail_starting(&[
            ("proxy.enabled", "true"),
            ("proxy.listen", "127.0.0.1:0"),
            ("tap.enabled", "false"),
            // Compared are the things themselves.
            ("redact.detect", "[]"),
        ]);
        let proxy = proxy_port(&hoptrail).await;
        let capture = Capture::start(scene.dir(), proxy).await;
        traffic::play(&scene, &format!("amqp://guest:guest@127.0.0.1:{proxy}/{}", scene.vhost)).await;
        let file = capture.finish().await;

        let frames = pdml::frames(&capture::decode(&file, proxy), proxy);
        let captured = model::facts(&frames, proxy);
        assert_covers(&captured);
        let sessions = captured.count(|fact| fact["kind"] == "session_close");
        hoptrail.wait_events("&source=proxy&kind=session_close", sessions).await;
        let recorded = Facts::of_journal(&hoptrail.events("&source=proxy").await);
        let differences = captured.differences(&recorded);
        assert!(differences.is_empty(), "the capture and the journal disagree:\n{differences}");
        let gaps = hoptrail.events("&kind=gap").await;
        assert!(gaps.is_empty(), "{gaps:?}");
        println!("{} facts of {sessions} sessions, {} frames", captured.count(|_| true), frames.len());
    });
}

/// The port that the proxy has taken.
async fn proxy_port(hoptrail: &Hoptrail) -> u16 {
    eventually("the proxy's address", async || {
        let log = hoptrail.log_of_this_start();
        let address = log.split(" proxy=127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
        address.and_then(|port| port.parse().ok()).ok_or(log)
    })
    .await
}

/// The traffic had everything in it that is to be compared.
#[track_caller]
fn assert_covers(captured: &Facts) {
    let settled = |kind: &str, by: &str, requeue: bool, multiple: bool| {
        captured.count(|fact| {
            let how = &fact["settlement"];
            fact["kind"] == kind && how["kind"] == by && how["requeue"] == requeue && how["multiple"] == multiple
        })
    };
    for (kind, by, requeue, multiple) in [
        ("confirm", "ack", false, false),
        ("confirm", "ack", false, true),
        // RabbitMQ refuses with `multiple` even where it means one.
        ("confirm", "nack", false, true),
        ("deliver", "ack", false, false),
        ("settle", "ack", false, false),
        ("settle", "ack", false, true),
        ("settle", "nack", false, false),
        ("settle", "nack", false, true),
        ("settle", "nack", true, false),
        ("settle", "nack", true, true),
        ("settle", "reject", false, false),
        ("settle", "reject", true, false),
        ("settle", "recover", true, true),
        ("settle", "close", true, true),
    ] {
        let count = settled(kind, by, requeue, multiple);
        assert!(count > 0, "the capture has no {kind} by {by}, requeue {requeue}, multiple {multiple}");
    }
    let has = |what: &str, holds: fn(&Value) -> bool| assert!(captured.count(holds) > 0, "the capture has no {what}");
    has("return", |fact| fact["kind"] == "return" && fact["return"]["code"] == 312);
    has("redelivery", |fact| fact["redelivered"] == true);
    has("basic.get", |fact| fact["kind"] == "deliver" && fact.get("consumer_tag").is_none());
    has("body of many frames", |fact| fact["body"]["bytes"].as_u64() > Some(300_000));
    has("empty body", |fact| fact["body"]["bytes"] == 0);
    has("headers within headers", |fact| !fact["headers"]["table"]["inner"].is_null());
}
