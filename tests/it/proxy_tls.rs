//! TLS of the proxy's two legs, each on its own.

use std::path::Path;

use hoptrail::model::api::SessionView;
use serde_json::json;

use crate::support::certificates::{Authority, broker_conf};
use crate::support::machine::free_port;
use crate::support::proxied::{Proxied, Script};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_brokers_with, on_each_broker};

const REFUSED: &str = r#"hoptrail_proxy_sessions_refused_total{reason="tls"}"#;
/// What a client asks the certificate of its peer to be for.
const HOST: &str = "localhost";

/// Everybody's certificates.
struct Certificates {
    dir: tempfile::TempDir,
    ours: Authority,
    server: (String, String),
    client: (String, String),
    /// Issued by somebody whom nobody trusts.
    stranger: Authority,
    strange: (String, String),
}

impl Certificates {
    fn new() -> Certificates {
        let dir = tempfile::tempdir().unwrap();
        let (ours, stranger) = (Authority::new(dir.path(), "ours"), Authority::new(dir.path(), "stranger"));
        let (server, client) = (ours.issue("server", HOST), ours.issue("client", "client"));
        let strange = stranger.issue("strange", "client");
        Certificates { dir, ours, server, client, stranger, strange }
    }

    /// Settings for TLS from clients.
    fn listener(&self) -> Vec<(&str, &str)> {
        vec![("proxy.tls_cert_file", &self.server.0), ("proxy.tls_key_file", &self.server.1)]
    }
}

/// Settings for TLS to the broker.
fn to_broker<'a>(address: &'a str, authority: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("proxy.broker", address),
        ("proxy.broker_tls", "true"),
        ("proxy.broker_ca_file", authority),
        ("proxy.broker_server_name", name),
    ]
}

/// A client that cannot come through, and what the log says of it. It sees no more than the end of its connection.
async fn refused(scene: &Scene, proxy: &Proxied, more: &[&str], log: &[&str]) {
    let before = proxy.figure(REFUSED, |_| true).await;
    let told = Script::start(scene, "login", proxy.port, more).finish();
    assert_eq!((told.len(), &told[0]["what"]), (1, &json!("error")), "{told:?}");
    proxy.figure(REFUSED, |count| count == before + 1).await;
    eventually("the log says why", async || {
        let text = proxy.hoptrail.log();
        let mut lines = text.lines().rev().filter(|line| line.contains("a client was not let through"));
        let line = lines.next().unwrap_or_default();
        ensure(log.iter().all(|part| line.contains(part)) && line.contains("127.0.0.1:"), || line.to_owned())
    })
    .await;
    assert!(proxy.sessions().await.is_empty());
}

#[test]
fn each_leg_is_plain_or_by_tls_as_it_is_set_and_what_passes_is_recorded() {
    let made = Certificates::new();
    let port = free_port();
    let files = ["ours.pem", "server.pem", "server.key"].map(|file| made.dir.path().join(file));
    on_brokers_with(&broker_conf(port), &files.each_ref().map(Path::new), async |scene: Scene| {
        let address = format!("127.0.0.1:{port}");
        let authority = made.ours.certificate();
        for (client_tls, broker_tls) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut settings = if client_tls { made.listener() } else { Vec::new() };
            if broker_tls {
                settings.extend(to_broker(&address, &authority, HOST));
            }
            let queue = format!("client-{client_tls}-broker-{broker_tls}");
            passes(&scene, &settings, &queue, client_tls.then_some(&authority), broker_tls).await;
        }
        let other = made.stranger.certificate();
        let proxy = Proxied::start(&scene, &to_broker(&address, &other, HOST)).await;
        refused(&scene, &proxy, &[], &["no TLS with the broker at", "UnknownIssuer", "proxy.broker_ca_file"]).await;
        drop(proxy);
        let proxy = Proxied::start(&scene, &to_broker(&address, &authority, "elsewhere.example")).await;
        refused(&scene, &proxy, &[], &["no TLS with the broker at", "elsewhere.example", "proxy.broker_server_name"])
            .await;
        drop(proxy);
        // A listener that does not speak TLS at all.
        let plain = format!("127.0.0.1:{}", scene.node.port);
        let proxy = Proxied::start(&scene, &to_broker(&plain, &authority, HOST)).await;
        refused(&scene, &proxy, &[], &["no TLS with the broker at"]).await;
    });
}

async fn passes(scene: &Scene, settings: &[(&str, &str)], queue: &str, client_tls: Option<&String>, broker_tls: bool) {
    // Each has a journal of its own: what it records is counted.
    let journal = scene.dir().join(queue).display().to_string();
    let settings: Vec<_> = settings.iter().copied().chain([("journal.dir", &*journal)]).collect();
    scene.queue(queue, json!({})).await;
    let proxy = Proxied::start(scene, &settings).await;
    let mut more = vec!["--queue", queue];
    more.extend(client_tls.into_iter().flat_map(|file| ["--ca", file]));
    let mut script = Script::start(scene, "roundtrip", proxy.port, &more);
    let told = script.tells("roundtrip").await;
    assert_eq!(told["same"], true, "{told}");
    let session: SessionView = proxy.session(&format!("fault-{queue}"), |session| session.delivered == 1).await;
    assert_eq!(session.tls, client_tls.is_some());
    eventually("the broker's connection", async || {
        let all = scene.get(&format!("vhosts/{}/connections", scene.vhost)).await;
        let own = format!("fault-{queue}");
        let found = all.as_array().unwrap().iter().find(|one| one["client_properties"]["connection_name"] == *own);
        let found = found.ok_or_else(|| all.to_string())?;
        assert_eq!(found["ssl"], broker_tls, "{found}");
        Ok(())
    })
    .await;
    script.kill();
    proxy.session_close(&format!("fault-{queue}")).await;
    let events = proxy.hoptrail.events(&format!("&message_id={queue}")).await;
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_ref()).collect();
    assert_eq!(kinds, ["publish", "confirm", "deliver", "settle"]);
    let bodies: Vec<u64> = events.iter().filter_map(|event| Some(event.body.as_ref()?.bytes)).collect();
    assert_eq!(bodies, [told["bytes"].as_u64().unwrap(); 2]);
}

#[test]
fn clients_are_asked_for_certificates_as_it_is_set() {
    let made = Certificates::new();
    let authority = made.ours.certificate();
    let server = ["--ca", &*authority];
    let with = |(certificate, key): &(String, String)| {
        let own = ["--ca", &authority, "--cert", certificate, "--key", key];
        own.map(str::to_owned)
    };
    let (known, strange) = (with(&made.client), with(&made.strange));
    let (known, strange) = (known.each_ref().map(|word| &**word), strange.each_ref().map(|word| &**word));
    on_each_broker(async |scene: Scene| {
        let proxy = Proxied::start(&scene, &made.listener()).await;
        for more in [&server[..], &known] {
            lets_in(&scene, &proxy, more).await;
        }
        let other = made.stranger.certificate();
        refused(&scene, &proxy, &["--ca", &other], &["UnknownCA"]).await;
        let other = ["--ca", &*authority, "--name", "elsewhere.example"];
        refused(&scene, &proxy, &other, &["reason=\"tls\""]).await;
        // One that does not speak TLS.
        refused(&scene, &proxy, &[], &["corrupt"]).await;
        drop(proxy);

        let mut settings = made.listener();
        settings.extend([("proxy.tls_client_ca_file", &*authority), ("proxy.tls_client_auth", "optional")]);
        let proxy = Proxied::start(&scene, &settings).await;
        for more in [&server[..], &known] {
            lets_in(&scene, &proxy, more).await;
        }
        refused(&scene, &proxy, &strange, &["UnknownIssuer"]).await;
        drop(proxy);

        settings.pop();
        settings.push(("proxy.tls_client_auth", "required"));
        let proxy = Proxied::start(&scene, &settings).await;
        lets_in(&scene, &proxy, &known).await;
        refused(&scene, &proxy, &server, &["no certificates"]).await;
        refused(&scene, &proxy, &strange, &["UnknownIssuer"]).await;
    });
}

async fn lets_in(scene: &Scene, proxy: &Proxied, more: &[&str]) {
    let told = Script::start(scene, "login", proxy.port, more).finish();
    assert_eq!((told.len(), &told[0]["what"]), (1, &json!("in")), "{told:?}");
    eventually("its session has ended", async || {
        let sessions = proxy.sessions().await;
        ensure(sessions.is_empty(), || format!("{sessions:?}"))
    })
    .await;
}
