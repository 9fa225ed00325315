//! hoptrail does not record itself.

use serde_json::json;

use crate::support::client::Client;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn hoptrails_own_queues_and_connections_are_left_out_of_what_is_recorded() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        scene.queue("mes.orders", json!({ "x-dead-letter-exchange": "orders" })).await;
        scene.bind("orders", "mes.orders", "#").await;
        // The broker's own events stand in the virtual host / and tell of all.
        let vhosts = format!("[\"/\", {:?}]", scene.vhost);
        let mut hoptrail = scene.hoptrail(&[("broker.vhosts", &vhosts)]).await;
        let client = Client::named(&scene.url(), "MES 3.1").await;
        let named = format!("&kind=session_open&vhost={}", scene.vhost);
        eventually("the client's connection is named", async || {
            let opened = hoptrail.events(&named).await;
            let found = opened.iter().any(|event| event.session.as_ref().unwrap()["client_name"] == "MES 3.1");
            ensure(found, || format!("{opened:?}"))
        })
        .await;
        let round_trip = async |id: &str| {
            client.publish("orders", "k", id, "ring").await;
            let got = client.take("mes.orders").await;
            client.ack(got.delivery.delivery_tag).await;
        };
        round_trip("first").await;
        hoptrail.wait_events("&kind=deliver&message_id=first", 1).await;
        // Whatever it does when it stops and starts is no traffic either.
        assert!(hoptrail.stop().success());
        hoptrail.restart();
        hoptrail.wait_live().await;
        scene.queue("late", json!({})).await;
        round_trip("second").await;
        let delivered = hoptrail.wait_events("&kind=deliver&message_id=second", 1).await;
        assert_eq!(delivered[0].service.as_deref(), Some("MES"), "{delivered:?}");
        hoptrail.wait_change("queue.created", "late").await;
        let routed = hoptrail.wait_events("&source=firehose&kind=publish&message_id=second", 1).await;
        assert_eq!(routed[0].routed_queues, Some(vec!["mes.orders".into()]));
        for event in hoptrail.events("").await {
            let text = serde_json::to_string(&event).unwrap();
            assert!(!text.contains("hoptrail."), "{text}");
            assert!(!text.contains("\"hoptrail it-"), "a connection of its own: {text}");
        }
    });
}
