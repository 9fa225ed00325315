//! What is bound and what is not, and topology that comes and goes.

use serde_json::{Value, json};

use crate::support::hoptrail::Hoptrail;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn every_type_of_exchange_that_may_be_bound_is_and_each_message_is_recorded_once() {
    on_each_broker(async |scene: Scene| {
        for (exchange, kind) in [("all", "topic"), ("wide", "fanout"), ("exact", "direct"), ("matched", "headers")] {
            scene.exchange(exchange, kind).await;
            scene.queue(&format!("{exchange}.queue"), json!({})).await;
            scene.bind(exchange, &format!("{exchange}.queue"), "key").await;
        }
        let hoptrail = scene.hoptrail(&[]).await;
        let client = scene.client().await;
        for exchange in ["all", "wide", "exact", "matched"] {
            client.publish(exchange, "key", &format!("to {exchange}"), "ring").await;
        }
        hoptrail.wait_events("&source=binding&kind=publish", 4).await;
        hoptrail.wait_events("&source=firehose&kind=publish", 4).await;
        assert_once(&hoptrail, &["to all", "to wide", "to exact", "to matched"]).await;
    });
}

#[test]
fn the_keys_of_a_direct_exchange_are_followed() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("exact", "direct").await;
        scene.queue("queue", json!({})).await;
        scene.bind("exact", "queue", "first").await;
        let hoptrail = scene.hoptrail(&[]).await;
        let client = scene.client().await;
        wait_bound(&scene, "exact", &["first"]).await;
        scene.bind("exact", "queue", "second").await;
        wait_bound(&scene, "exact", &["first", "second"]).await;
        client.publish("exact", "first", "by the first", "ring").await;
        client.publish("exact", "second", "by the second", "ring").await;
        hoptrail.wait_events("&source=binding&kind=publish", 2).await;
        assert_once(&hoptrail, &["by the first", "by the second"]).await;
        scene.delete(&format!("bindings/{}/e/exact/q/queue/first", scene.vhost)).await;
        wait_bound(&scene, "exact", &["second"]).await;
    });
}

#[test]
fn an_exchange_that_splits_load_is_refused_in_words_and_seen_by_the_firehose() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("split", "x-consistent-hash").await;
        scene.queue("part", json!({})).await;
        scene.bind("split", "part", "1").await;
        let hoptrail = scene.hoptrail(&[]).await;
        let source = hoptrail.source("binding").await;
        let told = source.problems.iter().any(|text| {
            text.contains("\"split\"")
                && text.contains("splits messages between its queues")
                && text.contains("firehose")
        });
        assert!(told, "{source:?}");
        assert!(source.exchanges.is_empty(), "{source:?}");
        hoptrail.wait_change("tap.refused", "\"split\"").await;
        scene.client().await.publish("split", "any", "through it", "ring").await;
        let seen = hoptrail.wait_events("&message_id=through%20it", 1).await;
        assert_eq!((seen[0].source.as_ref(), seen.len()), ("firehose", 1));
        assert_eq!(tap_bindings(&scene).await, Vec::<(String, String)>::new());
    });
}

#[test]
fn dead_letter_exchanges_are_found_in_queues_in_policies_and_in_the_settings() {
    on_each_broker(async |scene: Scene| {
        for exchange in ["by.queue", "by.policy", "by.settings"] {
            scene.exchange(exchange, "topic").await;
        }
        scene.queue("one", json!({ "x-dead-letter-exchange": "by.queue" })).await;
        scene.queue("two", json!({})).await;
        let policy = json!({ "pattern": "^two$", "definition": { "dead-letter-exchange": "by.policy" } });
        scene.put(&format!("policies/{}/dead", scene.vhost), policy).await;
        eventually("the policy is in force", async || {
            let queue = scene.get(&format!("queues/{}/two", scene.vhost)).await;
            ensure(queue["policy"] == "dead", || queue.to_string())
        })
        .await;
        let hoptrail = scene.hoptrail(&[("tap.dead_letter_exchanges", "[\"by.settings\"]")]).await;
        assert_eq!(hoptrail.source("dead_letter").await.exchanges, ["by.policy", "by.queue", "by.settings"]);
        assert!(hoptrail.source("binding").await.exchanges.is_empty());
        let client = scene.client().await;
        for queue in ["one", "two"] {
            client.publish("", queue, &format!("dead in {queue}"), "ring").await;
            let got = client.take(queue).await;
            client.reject(got.delivery.delivery_tag).await;
        }
        client.publish("by.settings", "k", "straight", "ring").await;
        let dead = hoptrail.wait_events("&kind=dead_letter&source=dead_letter", 2).await;
        let of = |queue: &str, exchange: &str| {
            let found = dead.iter().filter(|event| event.queue.as_deref() == Some(queue)).collect::<Vec<_>>();
            assert_eq!(found.len(), 1, "{dead:?}");
            assert_eq!(found[0].exchange.as_deref(), Some(exchange));
            assert_eq!(&*found[0].death.as_ref().unwrap().reason, "rejected");
        };
        of("one", "by.queue");
        of("two", "by.policy");
        let straight = hoptrail.wait_events("&source=dead_letter&kind=publish", 1).await;
        assert_eq!(straight[0].message_id.as_deref(), Some("straight"));
    });
}

#[test]
fn an_exchange_that_is_deleted_and_comes_back_is_told_and_observed_again() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        wait_bound(&scene, "orders", &["#"]).await;
        scene.delete_exchange("orders").await;
        hoptrail.wait_change("tap.lost", "\"orders\"").await;
        assert!(hoptrail.source("binding").await.exchanges.is_empty());
        scene.exchange("orders", "fanout").await;
        hoptrail.wait_change("tap.restored", "\"orders\"").await;
        wait_bound(&scene, "orders", &[""]).await;
        scene.client().await.publish("orders", "k", "after", "ring").await;
        hoptrail.wait_events("&source=binding&message_id=after", 1).await;
        assert!(hoptrail.is_running());
    });
}

#[test]
fn a_permission_that_is_missing_is_told_and_used_once_it_is_given() {
    on_each_broker(async |scene: Scene| {
        let user = scene.vhost.as_str();
        scene.put(&format!("users/{user}"), json!({ "password": user, "tags": "administrator" })).await;
        permit(&scene, user, "^(?!secret).*").await;
        scene.exchange("open", "topic").await;
        scene.exchange("secret", "topic").await;
        let mut hoptrail = scene.hoptrail(&[("broker.url", &scene.url_of(user))]).await;
        let told = hoptrail.wait_change("tap.refused", "\"secret\"").await;
        assert!(told.topology.unwrap().detail.contains("set_permissions"));
        assert_eq!(hoptrail.source("binding").await.exchanges, ["open"]);
        permit(&scene, user, ".*").await;
        hoptrail.wait_change("tap.restored", "\"secret\"").await;
        assert_eq!(hoptrail.source("binding").await.exchanges, ["open", "secret"]);

        permit(&scene, user, "^$").await;
        disconnect(&scene, user).await;
        hoptrail.wait_change("tap.refused", "refused the tap's queue").await;
        assert!(hoptrail.is_running());
        scene.client().await.publish("secret", "k", "meanwhile", "ring").await;
        permit(&scene, user, ".*").await;
        hoptrail.wait_live().await;
        hoptrail.wait_events("&source=binding&message_id=meanwhile", 1).await;
        assert_once(&hoptrail, &["meanwhile"]).await;
    });
}

#[test]
fn a_tap_queue_that_is_deleted_is_made_again_and_the_gap_is_recorded() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        let client = scene.client().await;
        client.publish("orders", "k", "before", "ring").await;
        hoptrail.wait_events("&source=binding&message_id=before", 1).await;
        scene.delete_queue(&format!("hoptrail.{}.binding", scene.vhost)).await;
        let gap = hoptrail.wait_gap("was deleted").await.gap.unwrap();
        assert_eq!(gap.source.as_ref(), "binding");
        assert!(gap.from < gap.to, "{gap:?}");
        hoptrail.wait_live().await;
        wait_bound(&scene, "orders", &["#"]).await;
        client.publish("orders", "k", "after", "ring").await;
        hoptrail.wait_events("&source=binding&message_id=after", 1).await;
        assert!(hoptrail.is_running());
    });
}

/// Each message was recorded once by the binding.
async fn assert_once(hoptrail: &Hoptrail, ids: &[&str]) {
    let events = hoptrail.events("&source=binding&kind=publish").await;
    for id in ids {
        let count = events.iter().filter(|event| event.message_id.as_deref() == Some(id)).count();
        assert_eq!(count, 1, "{id}: {events:?}");
    }
}

async fn permit(scene: &Scene, user: &str, read: &str) {
    let permissions = json!({ "configure": ".*", "write": ".*", "read": read });
    scene.put(&format!("permissions/{}/{user}", scene.vhost), permissions).await;
}

/// Ends the user's connections, once the broker shows them.
async fn disconnect(scene: &Scene, user: &str) {
    let names = eventually("the user's connections", async || {
        let all = scene.get("connections").await;
        let own = all.as_array().unwrap().iter().filter(|connection| connection["user"] == user);
        let names: Vec<String> = own.map(|connection| connection["name"].as_str().unwrap().to_owned()).collect();
        if names.is_empty() { Err(all.to_string()) } else { Ok(names) }
    })
    .await;
    for name in names {
        scene.delete(&format!("connections/{}", name.replace(' ', "%20").replace('>', "%3E"))).await;
    }
}

/// Waits until the tap is bound to the exchange with exactly these keys.
async fn wait_bound(scene: &Scene, exchange: &str, keys: &[&str]) {
    eventually(&format!("the tap is bound to {exchange} by {keys:?}"), async || {
        let bound = tap_bindings(scene).await;
        let of: Vec<_> = bound.iter().filter(|(name, _)| name == exchange).map(|(_, key)| key.as_str()).collect();
        ensure(of == keys, || format!("{bound:?}"))
    })
    .await;
}

/// Exchange and key of each of the bindings of the tap's queue of source `binding`.
async fn tap_bindings(scene: &Scene) -> Vec<(String, String)> {
    let queue = format!("hoptrail.{}.binding", scene.vhost);
    let all = scene.get(&format!("bindings/{}", scene.vhost)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let own =
        all.as_array().unwrap().iter().filter(|binding| binding["destination"] == queue && binding["source"] != "");
    let mut bound: Vec<_> = own.map(|binding| (text(&binding["source"]), text(&binding["routing_key"]))).collect();
    bound.sort();
    bound
}
