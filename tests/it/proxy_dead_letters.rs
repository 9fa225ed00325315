//! Dead letters that only the proxy sees: when they are delivered.

use hoptrail::model::api::{LegState, State, Trail};
use lapin::options::BasicRejectOptions;
use serde_json::json;

use crate::support::client::Client;
use crate::support::proxied::Proxied;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn a_dead_letter_is_told_once_when_it_is_delivered_and_its_trail_says_where_it_went() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("dlx", "fanout").await;
        scene.queue("work", json!({ "x-dead-letter-exchange": "dlx" })).await;
        scene.queue("dead", json!({})).await;
        scene.bind("dlx", "dead", "").await;
        let proxy = Proxied::start(&scene, &[]).await;
        let client = Client::named(&proxy.url(&scene), "MES").await;
        client.publish("", "work", "m-1", r#"{"orderId": "JW-2026-000001"}"#).await;
        client.reject(client.take("work").await.delivery_tag).await;
        let got = client.take("dead").await;
        let back = BasicRejectOptions { requeue: true };
        client.channel.basic_reject(got.delivery_tag, back).await.unwrap();
        let again = client.take("dead").await;
        assert!(again.redelivered);
        client.ack(again.delivery_tag).await;
        proxy.hoptrail.wait_events("&kind=settle", 3).await;

        let told = proxy.hoptrail.events("&kind=dead_letter").await;
        let [dead] = &told[..] else { panic!("{told:?}") };
        let death = dead.death.as_ref().unwrap();
        assert_eq!((dead.source.as_ref(), dead.observed_late), ("proxy", true));
        assert_eq!((&*death.queue, &*death.reason, death.count), ("work", "rejected", 1));
        assert_eq!((dead.exchange.as_deref(), dead.order_id.as_deref()), (Some("dlx"), Some("JW-2026-000001")));
        let trail: Trail = proxy.hoptrail.api("/messages/m-1").await;
        let legs: Vec<_> = trail.hops.iter().flat_map(|hop| &hop.queues).map(|leg| (&*leg.queue, leg.state)).collect();
        assert_eq!(legs, [("work", LegState::DeadLettered), ("dead", LegState::Settled)]);
        assert_eq!(trail.state, State::DeadLettered, "{}", trail.verdict);
    });
}

#[test]
fn each_attempt_of_a_message_that_waits_between_them_is_told() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "fanout").await;
        scene.exchange("retry", "fanout").await;
        scene.queue("work", json!({ "x-dead-letter-exchange": "retry" })).await;
        scene.queue("wait", json!({ "x-dead-letter-exchange": "orders", "x-message-ttl": 50 })).await;
        scene.bind("orders", "work", "").await;
        scene.bind("retry", "wait", "").await;
        let proxy = Proxied::start(&scene, &[]).await;
        let client = Client::named(&proxy.url(&scene), "MES").await;
        client.publish("orders", "k", "m-1", "{}").await;
        for _ in 0..3 {
            client.reject(client.take("work").await.delivery_tag).await;
        }
        client.ack(client.take("work").await.delivery_tag).await;
        proxy.hoptrail.wait_events("&kind=settle", 4).await;

        let told = proxy.hoptrail.events("&kind=dead_letter").await;
        let deaths = told.iter().filter_map(|event| event.death.as_ref());
        let deaths: Vec<_> = deaths.map(|death| (&*death.queue, &*death.reason, death.count)).collect();
        let expected = (1..=3).flat_map(|n| [("work", "rejected", n), ("wait", "expired", n)]);
        assert_eq!(deaths, expected.collect::<Vec<_>>());
        let trail: Trail = eventually("the trail", async || {
            let trail: Trail = proxy.hoptrail.api("/messages/m-1").await;
            ensure(trail.state == State::Completed, || trail.verdict.clone())?;
            Ok(trail)
        })
        .await;
        assert_eq!(trail.hops.len(), 7, "{trail:?}");
    });
}
