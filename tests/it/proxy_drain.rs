//! Stopping while clients are connected through the proxy.

use std::io::ErrorKind;
use std::net::TcpStream;

use hoptrail::model::api::Trail;
use hoptrail::model::{LegState, Settlement, SettlementKind, State};
use serde_json::json;

use crate::support::client::Client;
use crate::support::proxied::{Proxied, Script};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn a_stop_lets_sessions_end_for_a_while_and_then_cuts_them_and_everything_is_recorded() {
    on_each_broker(async |scene: Scene| {
        scene.queue("drained", json!({})).await;
        let mut proxy = Proxied::start(&scene, &[("proxy.drain", "5s")]).await;
        let quick = Client::named(&proxy.url(&scene), "quick").await;
        quick.publish("", "drained", "before", "").await;
        let slow = Script::start(&scene, "hold", proxy.port, &["--queue", "drained"]);
        slow.tells("holding").await;

        proxy.hoptrail.terminate();
        eventually("the proxy takes nobody any more", async || match TcpStream::connect(("127.0.0.1", proxy.port)) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        quick.publish("", "drained", "while draining", "").await;
        quick.close().await;
        let status = proxy.hoptrail.wait_end();
        assert!(status.success(), "{status}: {}", proxy.hoptrail.log());
        let told = slow.finish();
        assert_eq!(told.last().unwrap()["error"], "StreamLostError", "{told:?}");

        let log = proxy.hoptrail.log();
        assert!(log.contains("the proxy takes no more clients and drains sessions="), "{log}");
        let cuts: Vec<&str> = log.lines().filter(|line| line.contains("cut: ")).collect();
        proxy.hoptrail.restart();
        let close = proxy.session_close("fault-drained").await;
        let connection = close.session.as_ref().unwrap()["connection"].as_str().unwrap();
        assert!(cuts.len() == 1 && cuts[0].contains(connection), "{cuts:?}");
        let end = close.close.unwrap();
        assert_eq!((&end["by"], &end["unsettled"]), (&json!("hoptrail"), &json!(1)));
        assert!(end["text"].as_str().unwrap().contains("hoptrail stopped"), "{end}");
        let settles = proxy.hoptrail.events("&kind=settle").await;
        let settled: Vec<_> = settles.iter().map(|event| (event.message_id.clone(), event.settlement)).collect();
        let given_back = Settlement { kind: SettlementKind::Close, requeue: true, multiple: true };
        assert_eq!(settled, [(Some("before".into()), Some(given_back))]);

        let end = proxy.session_close("quick").await.close.unwrap();
        assert_eq!(end, json!({ "by": "client", "code": 200, "text": "good-bye", "unsettled": 0 }));
        for kind in ["publish", "confirm"] {
            let found = proxy.hoptrail.events(&format!("&kind={kind}&message_id=while%20draining")).await;
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
        }
        let gaps = proxy.hoptrail.events("&kind=gap&source=hoptrail").await;
        assert!(gaps.iter().all(|event| !event.gap.as_ref().unwrap().cause.contains("not observed")), "{gaps:?}");
    });
}

#[test]
fn a_stop_without_sessions_does_not_wait_for_the_drain() {
    on_each_broker(async |scene: Scene| {
        let mut proxy = Proxied::start(&scene, &[("proxy.drain", "1h")]).await;
        let client = Client::named(&proxy.url(&scene), "gone").await;
        client.close().await;
        eventually("its session has ended", async || {
            let sessions = proxy.sessions().await;
            ensure(sessions.is_empty(), || format!("{sessions:?}"))
        })
        .await;
        assert!(proxy.hoptrail.stop().success());
    });
}

#[test]
fn a_kill_is_told_at_the_next_start_and_a_stop_is_not() {
    on_each_broker(async |scene: Scene| {
        scene.queue("killed", json!({})).await;
        let mut proxy = Proxied::start(&scene, &[("proxy.drain", "0s")]).await;
        let client = Client::named(&proxy.url(&scene), "publisher").await;
        client.publish("", "killed", "before", "").await;
        let before = proxy.hoptrail.wait_events("&kind=publish", 1).await;
        client.take("killed").await;
        proxy.hoptrail.wait_events("&kind=deliver", 1).await;
        proxy.hoptrail.kill();
        drop(client);
        proxy.hoptrail.restart();
        let gap = proxy.hoptrail.wait_gap("without closing the proxy's sessions").await.gap.unwrap();
        assert!(gap.source.as_ref() == "proxy" && gap.from >= before[0].at && gap.from < gap.to, "{gap:?}");
        // Whether the client settled what it had taken, nobody has seen.
        let trail: Trail = proxy.hoptrail.api("/messages/before").await;
        let leg = &trail.hops[0].queues[0];
        assert_eq!((trail.state, leg.state), (State::Unknown, LegState::Delivered), "{}", trail.verdict);
        assert!(trail.verdict.contains("how that ended was not observed."), "{}", trail.verdict);
        let status = proxy.hoptrail.stop();
        assert!(status.success(), "{status}");
        proxy.hoptrail.restart();
        assert_eq!(proxy.hoptrail.events("&kind=gap").await.len(), 1);
    });
}
