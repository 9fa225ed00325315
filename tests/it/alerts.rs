//! A burst of dead letters, and who hears of it.

use hoptrail::model::api::AlertState;
use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn a_burst_of_dead_letters_is_told_to_the_webhook_and_so_is_its_end() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("dead", "fanout").await;
        scene.queue("mes.orders", json!({ "x-dead-letter-exchange": "dead" })).await;
        let receiver = Receiver::start().await;
        let rules = r#"[{ name = "burst", threshold = 5, window = "2s", resolve_after = "1s" }]"#;
        let settings = [("alert.dead_letter_spikes", rules), ("alert.webhook_url", &receiver.url)];
        let hoptrail = scene.hoptrail(&settings).await;
        let client = scene.client().await;
        for number in 0..8 {
            client.publish("", "mes.orders", &format!("m-{number}"), r#"{"orderId": "JW-2026-000001"}"#).await;
        }
        for _ in 0..8 {
            let got = client.take("mes.orders").await;
            client.reject(got.delivery.delivery_tag).await;
        }
        let told = async |state: AlertState| {
            eventually(&format!("the webhook is told {state:?}"), async || {
                let alerts = receiver.alerts();
                alerts.iter().find(|alert| alert.state == state).cloned().ok_or_else(|| format!("{alerts:?}"))
            })
            .await
        };
        let firing = told(AlertState::Firing).await;
        assert_eq!((&*firing.rule, &*firing.detector, firing.threshold), ("burst", "dead_letter_spike", 5.0));
        assert_eq!((&*firing.labels["queue"], &*firing.labels["reason"]), ("mes.orders", "rejected"));
        assert_eq!(firing.labels["vhost"], scene.vhost);
        assert_eq!(firing.orders, ["JW-2026-000001".into()]);
        let resolved = told(AlertState::Resolved).await;
        assert_eq!((&resolved.id, &resolved.since), (&firing.id, &firing.since));
        assert!(resolved.value >= 5.0 && resolved.resolved_at > Some(firing.since), "{resolved:?}");
        let states: Vec<_> = receiver.alerts().iter().map(|alert| alert.state).collect();
        assert_eq!(states, [AlertState::Firing, AlertState::Resolved], "each is told once");
        let log = hoptrail.log();
        assert!(log.contains("alert fires") && log.contains("alert is over"), "the log tells both: {log}");
    });
}
