//! Messages that are not valid AMQP, and that the broker delivers nevertheless.

use crate::support::raw::Message;
use crate::support::{Scene, on_each_broker};

#[test]
fn a_message_whose_routing_key_is_not_utf8_becomes_a_gap_and_its_neighbours_are_recorded_once() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        let mut raw = scene.raw();
        let mut publish = |id: &str, key: &[u8]| {
            let headers = Vec::new();
            raw.publish(&Message { exchange: "orders", routing_key: key, message_id: id, headers, body: b"ring" });
        };
        publish("before", b"order.1");
        publish("unreadable", b"order.\xff\xfe");
        publish("between", b"order.2");
        publish("unreadable too", b"\xc3");
        publish("after", b"order.3");
        let gap = hoptrail.wait_gap("could not be read and were taken out").await.gap.unwrap();
        assert_eq!(gap.source.as_ref(), "binding", "{gap:?}");
        hoptrail.wait_live().await;
        publish("later", b"order.4");
        hoptrail.wait_events("&source=binding&message_id=later", 1).await;
        let binding = hoptrail.events("&source=binding&kind=publish").await;
        let mut ids: Vec<_> = binding.iter().map(|event| event.message_id.as_deref().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["after", "before", "between", "later"]);
        let gaps = hoptrail.events("&kind=gap").await;
        let counts = gaps.iter().filter_map(|event| event.gap.as_ref()).filter(|gap| gap.source.as_ref() == "binding");
        assert_eq!(counts.filter_map(|gap| gap.count).sum::<u64>(), 2, "{gaps:?}");
        assert!(hoptrail.is_running());
    });
}
