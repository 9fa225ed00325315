//! Nothing unmasked reaches the disk, the log or an answer.

use std::fs;
use std::path::Path;

use lapin::types::{AMQPValue, FieldTable};

use crate::support::client::persistent;
use crate::support::{Scene, on_each_broker};

const EMAIL: &str = "erika.mustermann@example.org";
const CARD: &str = "4111 1111 1111 1111";
const CARD_DENSE: &str = "5555555555554444";

#[test]
fn planted_personal_data_is_nowhere_to_be_found() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[("log.filter", "debug,lapin=off,sled=off")]).await;
        let body = format!(r#"{{"orderId": "JW-2026-000007", "note": "write to {EMAIL}, paid with {CARD}"}}"#);
        let mut headers = FieldTable::default();
        headers.insert("x-note".into(), AMQPValue::LongString(format!("{EMAIL} and {CARD_DENSE}").as_str().into()));
        let properties = persistent("planted").with_headers(headers).with_app_id(format!("app of {EMAIL}").into());
        let client = scene.client().await;
        client.publish_with("orders", &format!("for.{EMAIL}.{CARD_DENSE}"), properties, &body).await;
        let events = hoptrail.wait_events("&message_id=planted", 2).await;
        let mut said = vec![hoptrail.get("/metrics").await.text];
        for path in [
            "events",
            "orders/JW-2026-000007",
            "messages/planted",
            "coverage",
            "stalled",
            "dead-letters",
            "statistics",
            "sessions",
        ] {
            said.push(hoptrail.get(&format!("/api/v1/{path}")).await.text);
        }
        for event in &events {
            let full = hoptrail.get(&format!("/api/v1/events/{}", event.seq)).await.text;
            assert!(full.contains("write to ***"), "the message was recorded, masked: {full}");
            assert!(event.routing_key.as_deref().unwrap().contains("***"), "{full}");
            said.push(full);
        }
        for arguments in
            [&["order", "JW-2026-000007"][..], &["message", "planted"], &["events"], &["statistics"], &["sessions"]]
        {
            let output = hoptrail.ask(arguments);
            assert!(output.status.success(), "{arguments:?}");
            said.push(String::from_utf8(output.stdout).unwrap());
        }
        assert!(hoptrail.stop().success());
        said.push(hoptrail.log());
        for secret in [EMAIL, "mustermann", CARD, CARD_DENSE] {
            for text in &said {
                assert!(!text.contains(secret), "{secret} stands in {text}");
            }
            assert!(files_without(&scene.dir().join("journal"), secret.as_bytes()) > 0, "the journal is empty");
        }
    });
}

/// How many files there are below the directory; none of them holds the bytes.
fn files_without(dir: &Path, bytes: &[u8]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += files_without(&path, bytes);
            continue;
        }
        files += 1;
        let content = fs::read(&path).unwrap();
        let found = content.windows(bytes.len()).any(|window| window == bytes);
        assert!(!found, "{} holds {}", path.display(), String::from_utf8_lossy(bytes));
    }
    files
}
