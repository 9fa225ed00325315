//! What happens to sessions through the proxy: their clients see what they would see directly, and the journal says who
//! ended them, how, and what went back to its queue.

use hoptrail::model::api::{EventView, Leg, SessionState};
use hoptrail::model::{Settlement, SettlementKind};
use serde_json::{Value, json};

use crate::support::client::{Client, persistent};
use crate::support::machine::{free_port, not_tested, own_address};
use crate::support::proxied::{Proxied, Script};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_brokers_with, on_each_broker};

/// A client that holds a message, through the proxy and directly: each from a queue of its own, and nothing else is
/// different.
struct Pair {
    name: &'static str,
    proxied: Script,
    direct: Script,
}

/// The names of a scenario's queues, equally long.
fn queues(name: &str) -> [String; 2] {
    [format!("{name}-p"), format!("{name}-d")]
}

impl Pair {
    async fn holding(scene: &Scene, proxy: &Proxied, name: &'static str, scenario: &str) -> Pair {
        let publisher = Client::named(&proxy.url(scene), "Shop API 1.4").await;
        for queue in queues(name) {
            scene.queue(&queue, json!({})).await;
            let body = json!({ "orderId": format!("order-{queue}") }).to_string();
            publisher.publish_with("", &queue, persistent(&format!("message-{queue}")), &body).await;
        }
        let pair = Pair::start(scene, proxy, name, scenario);
        for script in [&pair.proxied, &pair.direct] {
            script.tells("holding").await;
        }
        pair
    }

    fn start(scene: &Scene, proxy: &Proxied, name: &'static str, scenario: &str) -> Pair {
        let [own, other] = queues(name);
        let proxied = Script::start(scene, scenario, proxy.port, &["--queue", &own]);
        let direct = Script::start(scene, scenario, scene.node.port, &["--queue", &other]);
        Pair { name, proxied, direct }
    }

    /// Both have told the same; what.
    fn finish(self) -> Vec<Value> {
        let [own, other] = queues(self.name);
        let proxied = self.proxied.finish();
        let text = Value::from(self.direct.finish()).to_string().replace(&other, &own);
        assert_eq!(Value::from(proxied.clone()).to_string(), text, "through the proxy, and directly");
        println!("{}: {text}", self.name);
        proxied
    }
}

/// The broker's name of a client's connection, in the management API.
async fn connection(scene: &Scene, queue: &str) -> String {
    eventually("the broker's connections", async || {
        let all = scene.get(&format!("vhosts/{}/connections", scene.vhost)).await;
        let found =
            all.as_array().unwrap().iter().find(|connection| {
                connection["client_properties"]["connection_name"] == format!("fault-{queue}").as_str()
            });
        found.map(|connection| connection["name"].as_str().unwrap().to_owned()).ok_or_else(|| all.to_string())
    })
    .await
}

/// What the journal says of the message that a client held when something happened.
struct Outcome {
    settle: EventView,
    close: EventView,
}

impl Outcome {
    /// The delivery went back to the queue with the end of its channel or connection, and the trail says so.
    async fn of(proxy: &Proxied, name: &str) -> Outcome {
        let [queue, _] = queues(name);
        let given_back = |leg: &Leg| leg.settlement.is_some_and(|it| it.kind == SettlementKind::Close);
        let leg = proxy.leg(&format!("order-{queue}"), given_back).await;
        assert_eq!((leg.queue.as_ref(), leg.deliveries, leg.given_back), (&*queue, 1, 1), "{leg:?}");
        assert_eq!(leg.consumer.consumer_tag.as_deref(), Some("keeper"));
        let close = proxy.session_close(&format!("fault-{queue}")).await;
        let settles = proxy.hoptrail.events(&format!("&kind=settle&message_id=message-{queue}")).await;
        let [settle] = &settles[..] else { panic!("{settles:?}") };
        let given_back = Settlement { kind: SettlementKind::Close, requeue: true, multiple: true };
        assert_eq!(settle.settlement, Some(given_back));
        assert_eq!((settle.queue.as_deref(), settle.consumer_tag.as_deref()), (Some(&*queue), Some("keeper")));
        assert_eq!(settle.session.as_ref().unwrap()["connection"], close.session.as_ref().unwrap()["connection"]);
        assert!(settle.seq < close.seq);
        Outcome { settle: settle.clone(), close }
    }

    fn close(&self) -> &Value {
        self.close.close.as_ref().unwrap()
    }
}

/// The message comes again, is acknowledged, and the trail says all of it.
async fn redelivered(scene: &Scene, proxy: &Proxied, name: &str) {
    let [queue, _] = queues(name);
    let client = Client::named(&proxy.url(scene), "CRM 2").await;
    let message = client.take(&queue).await;
    assert_eq!(message.properties.message_id().as_ref().unwrap().as_str(), format!("message-{queue}"));
    client.ack(message.delivery_tag).await;
    let leg = proxy
        .leg(&format!("order-{queue}"), |leg| leg.settlement.is_some_and(|it| it.kind == SettlementKind::Ack))
        .await;
    assert_eq!((leg.deliveries, leg.given_back), (2, 1), "{leg:?}");
    assert_eq!(leg.consumer.client_name.as_deref(), Some("CRM 2"));
}

#[test]
fn a_channel_error_ends_the_channel_alone_and_its_message_goes_back() {
    on_each_broker(async |scene: Scene| {
        let proxy = Proxied::start(&scene, &[]).await;
        let told = Pair::holding(&scene, &proxy, "precondition", "precondition").await.finish();
        let channel = told.iter().find(|told| told["what"] == "channel").unwrap();
        assert_eq!((&channel["error"], &channel["code"]), (&json!("ChannelClosedByBroker"), &json!(406)));
        let outcome = Outcome::of(&proxy, "precondition").await;
        assert_eq!(*outcome.close(), json!({ "by": "client", "code": 200, "text": "Normal shutdown", "unsettled": 0 }));
        let closed = proxy.hoptrail.wait_change("channel.closed", "406").await;
        let expected = json!({ "by": "broker", "code": 406, "text": channel["text"], "unsettled": 1 });
        assert_eq!(closed.close, Some(expected));
        assert!(closed.seq.abs_diff(outcome.settle.seq) == 1, "{closed:?}");
        redelivered(&scene, &proxy, "precondition").await;
    });
}

#[test]
fn a_connection_that_an_operator_closes_ends_as_the_broker_says() {
    on_each_broker(async |scene: Scene| {
        let proxy = Proxied::start(&scene, &[]).await;
        let by_api = Pair::holding(&scene, &proxy, "management", "hold").await;
        for queue in queues("management") {
            let name = connection(&scene, &queue).await.replace(' ', "%20").replace('>', "%3E");
            scene.delete(&format!("connections/{name}")).await;
        }
        ended_by_the_broker(&scene, &proxy, by_api, 320).await;

        let all = Pair::holding(&scene, &proxy, "rabbitmqctl", "hold").await;
        scene.node.ctl(&["close_all_connections", "--vhost", &scene.vhost, "the machine is needed"]);
        let told = ended_by_the_broker(&scene, &proxy, all, 320).await;
        assert!(told["text"].as_str().unwrap().contains("the machine is needed"), "{told}");
    });
}

async fn ended_by_the_broker(scene: &Scene, proxy: &Proxied, pair: Pair, code: u16) -> Value {
    let name = pair.name;
    let told = pair.finish().pop().unwrap();
    assert_eq!((&told["error"], &told["code"]), (&json!("ConnectionClosedByBroker"), &json!(code)));
    let outcome = Outcome::of(proxy, name).await;
    assert_eq!(*outcome.close(), json!({ "by": "broker", "code": code, "text": told["text"], "unsettled": 1 }));
    redelivered(scene, proxy, name).await;
    told
}

#[test]
fn a_client_that_is_killed_gives_back_what_it_held() {
    on_each_broker(async |scene: Scene| {
        let proxy = Proxied::start(&scene, &[]).await;
        let mut pair = Pair::holding(&scene, &proxy, "killed", "hold").await;
        pair.proxied.kill();
        pair.direct.kill();
        let outcome = Outcome::of(&proxy, "killed").await;
        let expected = json!({ "by": "client", "text": "the client closed its connection", "unsettled": 1 });
        assert_eq!(*outcome.close(), expected);
        redelivered(&scene, &proxy, "killed").await;
    });
}

#[test]
fn a_refusal_an_alarm_a_consumer_that_is_too_late_and_the_brokers_death_are_seen_as_without_the_proxy() {
    let port = free_port();
    on_brokers_with(&format!("listeners.tcp.2 = 0.0.0.0:{port}\n"), &[], async |scene: Scene| {
        let proxy = Proxied::start(&scene, &[("proxy.listen", "0.0.0.0:0")]).await;
        guest_refused(&scene, &proxy, port);
        blocked_by_an_alarm(&scene, &proxy).await;
        too_late(&scene, &proxy).await;
        broker_killed(&scene, &proxy).await;
    });
}

/// To a client that is refused by hoptrail it looks as if the broker, asked from another machine, had done it.
fn guest_refused(scene: &Scene, proxy: &Proxied, port: u16) {
    let Some(address) = own_address() else { return not_tested("THIS MACHINE HAS NO ADDRESS BUT LOOPBACK") };
    let refused = [proxy.port, port].map(|port| {
        let mut told = Script::start(scene, "login", port, &["--host", &address.to_string()]).finish();
        let text = told[0]["text"].take();
        assert!(text.as_str().unwrap().contains("ConnectionClosedByBroker: (403) 'ACCESS_REFUSED - "), "{text}");
        told
    });
    assert_eq!(refused[0], refused[1]);
}

async fn blocked_by_an_alarm(scene: &Scene, proxy: &Proxied) {
    for queue in queues("blocked") {
        scene.queue(&queue, json!({})).await;
    }
    scene.node.ctl(&["set_vm_memory_high_watermark", "0.0000001"]);
    eventually("the alarm", async || {
        let nodes = scene.get("nodes").await;
        ensure(nodes[0]["mem_alarm"] == true, || nodes[0]["mem_alarm"].to_string())
    })
    .await;
    let pair = Pair::start(scene, proxy, "blocked", "publish");
    for script in [&pair.proxied, &pair.direct] {
        script.tells("blocked").await;
    }
    let own = "fault-blocked-p";
    proxy.session(own, |session| session.state == SessionState::Blocked).await;
    let blocked = proxy.hoptrail.wait_change("connection.blocked", "low on memory").await;
    scene.node.ctl(&["set_vm_memory_high_watermark", "0.6"]);
    let told = pair.finish();
    assert_eq!(told.iter().map(|told| &told["what"]).collect::<Vec<_>>(), ["blocked", "unblocked", "closed"]);
    let unblocked = proxy.hoptrail.wait_change("connection.unblocked", "").await;
    for event in [&blocked, &unblocked] {
        assert_eq!(event.session.as_ref().unwrap()["client_name"], own, "{event:?}");
    }
    // Not before the broker has taken it, and its connection stood still until then.
    let close = proxy.session_close(own).await;
    assert_eq!(close.close.unwrap()["by"], "client");
    let published = proxy.hoptrail.wait_events("&kind=publish&message_id=blocked-blocked-p", 1).await;
    assert_eq!((published.len(), published[0].routing_key.as_deref()), (1, Some("blocked-p")));
}

async fn too_late(scene: &Scene, proxy: &Proxied) {
    // By default it looks once a minute; a channel asks for this when it opens.
    scene.node.ctl(&["eval", "application:set_env(rabbit, channel_tick_interval, 500)."]);
    scene.node.ctl(&["eval", "application:set_env(rabbit, consumer_timeout, 1000)."]);
    let pair = Pair::holding(scene, proxy, "late", "hold").await;
    let told = pair.finish().pop().unwrap();
    scene.node.ctl(&["eval", "application:set_env(rabbit, consumer_timeout, 1800000)."]);
    assert_eq!((&told["error"], &told["code"]), (&json!("ChannelClosedByBroker"), &json!(406)));
    assert!(told["text"].as_str().unwrap().contains("timed out"), "{told}");
    let outcome = Outcome::of(proxy, "late").await;
    let closed = proxy.hoptrail.wait_change("channel.closed", "timed out").await;
    let expected = json!({ "by": "broker", "code": 406, "text": told["text"], "unsettled": 1 });
    assert_eq!(closed.close, Some(expected));
    assert_eq!(outcome.close()["by"], "client");
    redelivered(scene, proxy, "late").await;
}

async fn broker_killed(scene: &Scene, proxy: &Proxied) {
    let pair = Pair::holding(scene, proxy, "death", "hold").await;
    scene.node.kill();
    let told = pair.finish().pop().unwrap();
    assert_eq!((&told["what"], &told["error"]), (&json!("error"), &json!("StreamLostError")));
    let outcome = Outcome::of(proxy, "death").await;
    let expected = json!({ "by": "broker", "text": "the connection of the broker broke: Connection reset by peer (os error 104)", "unsettled": 1 });
    assert_eq!(*outcome.close(), expected);

    // Meanwhile a client is told by the end of its connection.
    let refused = r#"hoptrail_proxy_sessions_refused_total{reason="broker_unreachable"}"#;
    let before = proxy.figure(refused, |_| true).await;
    let told = Script::start(scene, "login", proxy.port, &[]).finish();
    assert_eq!(told[0]["error"], "IncompatibleProtocolError", "{told:?}");
    proxy.figure(refused, |count| count == before + 1).await;
    assert!(proxy.hoptrail.log().contains("the broker cannot be reached"));

    scene.node.resume();
    redelivered(scene, proxy, "death").await;
}
