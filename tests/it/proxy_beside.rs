//! The proxy beside others: a tap that sees the same messages, and clients that speak AMQP 1.0.

use std::process::Command;

use hoptrail::model::api::Trail;
use hoptrail::model::{SessionState, SettlementKind, Source, SourceState};
use serde_json::{Value, json};

use crate::support::client::{Client, persistent};
use crate::support::process::finished;
use crate::support::proxied::Proxied;
use crate::support::raw::Greeted;
use crate::support::wait::{DEADLINE, ensure};
use crate::support::{REPO, Scene, eventually, on_each_broker};

#[test]
fn with_the_tap_a_publish_is_shown_once_with_both_sources() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        scene.queue("packing", json!({})).await;
        scene.bind("orders", "packing", "#").await;
        let proxy = Proxied::start(&scene, &[("tap.enabled", "true")]).await;
        eventually("the tap observes", async || {
            let sources = proxy.hoptrail.coverage().await.sources;
            let live =
                |name: &str| sources.iter().any(|one| one.source.as_ref() == name && one.state == SourceState::Live);
            ensure(live("binding") && live("firehose") && live("proxy"), || format!("{sources:?}"))
        })
        .await;
        let client = Client::named(&proxy.url(&scene), "Shop API 1.4").await;
        client.publish_with("orders", "order.paid", persistent("both"), r#"{"orderId":"order-both"}"#).await;
        let message = client.take("packing").await;
        client.ack(message.delivery_tag).await;
        let trail = eventually("every source has told", async || {
            let answer = proxy.hoptrail.get("/api/v1/orders/order-both").await;
            ensure(answer.status == 200, || answer.text.clone())?;
            let trail: Trail = serde_json::from_str(&answer.text).unwrap();
            let mut kinds: Vec<_> =
                trail.events.iter().map(|event| (event.source.as_ref(), event.kind.as_ref())).collect();
            kinds.sort_unstable();
            let expected = [
                ("binding", "publish"),
                ("firehose", "deliver"),
                ("firehose", "publish"),
                ("proxy", "confirm"),
                ("proxy", "deliver"),
                ("proxy", "publish"),
                ("proxy", "settle"),
            ];
            ensure(kinds == expected, || format!("{kinds:?}"))?;
            Ok(trail)
        })
        .await;
        let [hop] = &trail.hops[..] else { panic!("{trail:?}") };
        let mut sources = hop.sources.clone();
        sources.sort_unstable();
        assert_eq!(sources, [Source::Binding, Source::Firehose, Source::Proxy]);
        assert_eq!(hop.client_name.as_deref(), Some("Shop API 1.4"));
        assert!(hop.confirmed_at.is_some());
        let [leg] = &hop.queues[..] else { panic!("{hop:?}") };
        assert_eq!(
            (&*leg.queue, leg.deliveries, leg.settlement.map(|it| it.kind)),
            ("packing", 1, Some(SettlementKind::Ack))
        );
    });
}

#[test]
fn an_amqp_1_0_client_passes_and_its_session_has_a_gap() {
    on_each_broker(async |scene: Scene| {
        scene.queue("ten", json!({})).await;
        let proxy = Proxied::start(&scene, &[]).await;
        let own = amqp10(&scene, proxy.port);
        assert_eq!(own, amqp10(&scene, scene.node.port), "through the proxy, and directly");
        // Before 4.0 it takes a plugin, and the broker answers with the version that it knows.
        if scene.node.release != "3.10" {
            assert_eq!(own, json!({ "id": "ten", "body": "by AMQP 1.0" }));
        }
        let gap = proxy.hoptrail.wait_gap("it speaks AMQP 1.0").await;
        proxy.hoptrail.wait_events("&kind=session_close", 1).await;
        let events = proxy.hoptrail.events("&source=proxy").await;
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_ref()).collect();
        assert_eq!(kinds, ["session_open", "session_close"]);
        assert_eq!(gap.session.unwrap()["connection"], events[0].session.as_ref().unwrap()["connection"]);

        // As long as it lives it is shown, and what the broker answers comes as it is.
        const SASL: &[u8] = b"AMQP\x03\x01\x00\x00";
        let (direct, proxied) = (Greeted::greet(scene.node.port, SASL), Greeted::greet(proxy.port, SASL));
        assert_eq!(direct.answer, proxied.answer);
        if scene.node.release != "3.10" {
            eventually("it is not observed", async || {
                let sessions = proxy.sessions().await;
                let own = sessions.iter().find(|session| session.gap.as_ref().is_some_and(|gap| gap.contains("1.0")));
                ensure(own.is_some_and(|own| own.state == SessionState::Unobserved), || format!("{sessions:?}"))
            })
            .await;
        }
    });
}

fn amqp10(scene: &Scene, port: u16) -> Value {
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-B").arg(format!("{REPO}/tests/it/clients/amqp10.py"));
    let done = finished(command.args([&port.to_string(), &scene.vhost, "ten"]), DEADLINE);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
