//! Clients see through the proxy what they see without it, the bytes on both sides of it are the same, and the journal
//! holds what the clients did and saw.

use serde_json::json;

use crate::proxy::pipe::{Pipe, Record};
use crate::proxy::proxied::Proxied;
use crate::proxy::talk::Client;
use crate::proxy::transcript::{normalised, told};
use crate::support::{Scene, on_each_broker};

/// Another run is another conversation, chopped in another way: `HOPTRAIL_TEST_SEED`.
const SEED: u64 = 20_261_121;
/// A heartbeat frame.
const HEARTBEAT: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0xce];

#[test]
fn pika_sees_what_it_sees_without_hoptrail_and_the_journal_what_pika_did() {
    on_each_broker(async |scene| converse(&scene, Client::Pika).await);
}

#[test]
fn amqplib_sees_what_it_sees_without_hoptrail_and_the_journal_what_amqplib_did() {
    on_each_broker(async |scene| converse(&scene, Client::Amqplib).await);
}

#[test]
fn java_sees_what_it_sees_without_hoptrail_and_the_journal_what_java_did() {
    on_each_broker(async |scene| converse(&scene, Client::Java).await);
}

#[test]
fn lapin_sees_what_it_sees_without_hoptrail_and_the_journal_what_lapin_did() {
    on_each_broker(async |scene| converse(&scene, Client::Lapin).await);
}

async fn converse(scene: &Scene, client: Client) {
    let seed = std::env::var("HOPTRAIL_TEST_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("HOPTRAIL_TEST_SEED={seed}");
    // client, pipe, hoptrail, pipe, broker
    let behind = Pipe::start(scene.node.port, Some(seed));
    let proxied = Proxied::start(scene.dir(), behind.port).await;
    let before = Pipe::start(proxied.port, Some(seed + 1));
    let (direct, through) = (vhost(scene, "direct").await, vhost(scene, "through").await);
    let (seen_direct, seen_through) =
        tokio::join!(client.talk(url(scene.node.port, &direct), seed), client.talk(url(before.port, &through), seed));
    let (seen_direct, seen) = (normalised(&seen_direct, &direct), normalised(&seen_through, &through));
    assert!(seen_direct == seen, "{}", first_difference(&seen_direct, &seen));

    let records = behind.records().await;
    assert_same(&before.records().await, &records);
    for bytes in [&records[0].from_client, &records[0].from_broker] {
        assert!(bytes.windows(8).any(|window| window == HEARTBEAT), "there was no heartbeat");
    }

    let expected = told(&seen_through);
    assert!(expected.len() > 200, "the conversation was short: {seen}");
    proxied.wait_recorded(&expected).await;
    proxied.wait_sessions(0).await;
    let closes = proxied.wait_closes(1).await;
    let close = closes[0].close.as_ref().unwrap();
    // pika closes every channel before its connection.
    let unsettled = if client == Client::Pika { 0 } else { 1 };
    assert_eq!((&close["by"], &close["code"], &close["unsettled"]), (&json!("client"), &json!(200), &json!(unsettled)));
    let opens = proxied.hoptrail.events("&kind=session_open").await;
    assert_eq!(opens.len(), 1, "{opens:?}");
    assert_eq!(opens[0].session.as_ref().unwrap()["client_name"], client.name());
    assert_eq!(opens[0].vhost.as_deref(), Some(&*through));
    proxied.assert_no_gap().await;
}

/// A virtual host that holds nothing yet.
async fn vhost(scene: &Scene, name: &str) -> String {
    let name = format!("{}-{name}", scene.vhost);
    scene.put(&format!("vhosts/{name}"), json!({})).await;
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    scene.put(&format!("permissions/{name}/guest"), all).await;
    name
}

fn url(port: u16, vhost: &str) -> String {
    format!("amqp://guest:guest@127.0.0.1:{port}/{vhost}")
}

/// Not `assert_eq!`: the bytes of a conversation fill many screens.
fn assert_same(before: &[Record], behind: &[Record]) {
    assert_eq!((before.len(), behind.len()), (1, 1), "connections of the client, and to the broker");
    for (who, before, behind) in [
        ("the client", &before[0].from_client, &behind[0].from_client),
        ("the broker", &before[0].from_broker, &behind[0].from_broker),
    ] {
        let first = before.iter().zip(behind).position(|(one, other)| one != other);
        let lengths = (before.len(), behind.len());
        assert!(before == behind, "what {who} sent differs from byte {first:?} on; lengths {lengths:?}");
        assert!(before.len() > 1 << 20, "{who} sent little: {} bytes", before.len());
    }
}

fn first_difference(direct: &str, through: &str) -> String {
    let pair = direct.lines().zip(through.lines()).find(|(one, other)| one != other);
    let (direct, through) = pair.unwrap_or(("as long as the other", "as long as the other"));
    format!("it saw something else.\ndirect:  {direct}\nthrough: {through}")
}
