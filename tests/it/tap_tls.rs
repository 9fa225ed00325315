//! Taps over TLS: the certificates that the system trusts decide whether the broker is the right one.

use std::path::Path;

use serde_json::Value;

use crate::support::certificates::{Authority, broker_conf};
use crate::support::hoptrail::Launcher;
use crate::support::machine::free_port;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_brokers_with};

#[test]
fn taps_go_by_tls_to_a_broker_that_the_system_trusts_and_to_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, stranger) = (Authority::new(dir.path(), "ours"), Authority::new(dir.path(), "stranger"));
    ours.issue("server", "localhost");
    let port = free_port();
    let files = ["ours.pem", "server.pem", "server.key"].map(|file| dir.path().join(file));
    on_brokers_with(&broker_conf(port), &files.each_ref().map(Path::new), async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let url = format!("amqps://guest:guest@localhost:{port}/{}", scene.vhost);
        let trusting = |authority: &Authority| Launcher {
            environment: vec![("SSL_CERT_FILE", authority.certificate().into())],
            ..Launcher::default()
        };
        let refused = scene.hoptrail_launched(trusting(&stranger), &[("broker.url", &url)]);
        eventually("the log says why", async || {
            let log = refused.log();
            ensure(log.contains("invalid peer certificate: UnknownIssuer"), || log)
        })
        .await;
        drop(refused);

        let hoptrail = scene.hoptrail_launched(trusting(&ours), &[("broker.url", &url)]);
        hoptrail.wait_live().await;
        scene.client().await.publish("orders", "k", "by-tls", "ring").await;
        hoptrail.wait_events("&source=firehose&message_id=by-tls", 1).await;
        eventually("the broker's connection", async || {
            let all = scene.get(&format!("vhosts/{}/connections", scene.vhost)).await;
            let is_tap = |one: &&Value| one["client_properties"]["product"] == "hoptrail";
            let mut taps = all.as_array().unwrap().iter().filter(is_tap).peekable();
            let is_there = taps.peek().is_some();
            ensure(is_there && taps.all(|tap| tap["ssl"] == true), || all.to_string())
        })
        .await;
    });
}
