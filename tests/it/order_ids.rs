//! Order ids that nobody should choose, and somebody will.

use hoptrail::model::api::Trail;
use lapin::types::{AMQPValue, FieldTable};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::client::persistent;
use crate::support::{Scene, on_each_broker};

#[test]
fn an_order_id_of_300_characters_with_control_characters_is_found_and_printed_harmlessly() {
    on_each_broker(async |scene: Scene| {
        let id: String = "é/%?#&=;\"'\\ \u{1b}[31m\n\r\t\u{7}\u{202e}\u{9b}order-".chars().cycle().take(300).collect();
        scene.exchange("orders", "topic").await;
        let hoptrail = scene.hoptrail(&[]).await;
        let mut headers = FieldTable::default();
        headers.insert("x-order-id".into(), AMQPValue::LongString(id.as_str().into()));
        scene.client().await.publish_with("orders", "k", persistent("m").with_headers(headers), "ring").await;
        let events = hoptrail.wait_events("&message_id=m", 2).await;
        assert_eq!(events[0].order_id.as_deref(), Some(id.as_str()));

        let encoded = utf8_percent_encode(&id, NON_ALPHANUMERIC).to_string();
        let trail: Trail = hoptrail.api(&format!("/orders/{encoded}")).await;
        assert_eq!(trail.order_id.as_deref(), Some(id.as_str()));
        assert_eq!(trail.events.len(), 2, "{trail:?}");
        hoptrail.wait_events(&format!("&order_id={encoded}"), 2).await;

        let printed = hoptrail.ask(&["--color", "never", "order", &id]);
        let text = String::from_utf8(printed.stdout).unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let raw = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{text:?}");
        assert!(text.contains("\\u{1b}[31m\\n\\r\\t\\u{7}\\u{202e}"), "{text}");
    });
}
