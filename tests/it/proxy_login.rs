//! Who comes through the proxy to which broker, and what the broker is told of them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::hoptrail::Launcher;
use crate::support::machine::{free_port, not_tested, own_address};
use crate::support::process::finished;
use crate::support::proxied::{Proxied, Script};
use crate::support::wait::{DEADLINE, ensure};
use crate::support::{Scene, eventually, on_brokers_with, on_each_broker};

const GUEST: &str = r#"hoptrail_proxy_sessions_refused_total{reason="guest"}"#;
const TOO_MANY: &str = r#"hoptrail_proxy_sessions_refused_total{reason="too_many"}"#;
const UNREACHABLE: &str = r#"hoptrail_proxy_sessions_refused_total{reason="broker_unreachable"}"#;
/// Any of the machine's addresses.
const EVERYWHERE: (&str, &str) = ("proxy.listen", "0.0.0.0:0");

/// A user whose password is its name.
async fn user(scene: &Scene, name: &str) {
    scene.put(&format!("users/{name}"), json!({ "password": name, "tags": "" })).await;
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    scene.put(&format!("permissions/{}/{name}", scene.vhost), all).await;
}

#[test]
fn guest_from_another_machine_is_refused_unless_that_is_switched_off() {
    let Some(address) = own_address() else { return not_tested("THIS MACHINE HAS NO ADDRESS BUT LOOPBACK") };
    let address = address.to_string();
    on_each_broker(async |scene: Scene| {
        let own = format!("{}-user", scene.vhost);
        user(&scene, &own).await;
        let login = |proxy: &Proxied, host: &str, user: &str| {
            let told = Script::start(&scene, "login", proxy.port, &["--host", host, "--user", user]).finish();
            told[0].clone()
        };
        let proxy = Proxied::start(&scene, &[EVERYWHERE]).await;
        let told = login(&proxy, &address, "guest");
        assert_eq!(told["error"], "ProbableAuthenticationError", "{told}");
        let text = told["text"].as_str().unwrap();
        assert!(text.contains("(403)") && text.contains("ACCESS_REFUSED"), "{text}");
        proxy.figure(GUEST, |count| count == 1).await;
        assert_eq!(login(&proxy, &address, &own)["what"], "in");
        assert_eq!(login(&proxy, "127.0.0.1", "guest")["what"], "in");
        assert_eq!(proxy.figure(GUEST, |_| true).await, 1);
        let closes = proxy.hoptrail.wait_events("&kind=session_close", 3).await;
        let close = closes[0].close.as_ref().unwrap();
        assert_eq!((&close["by"], &closes[0].session.as_ref().unwrap()["user"]), (&json!("hoptrail"), &json!("guest")));
        assert!(close["text"].as_str().unwrap().contains("proxy.refuse_guest"), "{close}");
        drop(proxy);

        let proxy = Proxied::start(&scene, &[EVERYWHERE, ("proxy.refuse_guest", "false")]).await;
        assert_eq!(login(&proxy, &address, "guest")["what"], "in");
    });
}

#[test]
fn by_the_proxy_protocol_the_broker_knows_the_clients_address() {
    on_brokers_with("proxy_protocol = true\n", &[], async |scene: Scene| {
        user(&scene, "other").await;
        let header = ("proxy.proxy_protocol", "true");
        let proxy = Proxied::start(&scene, &[header, EVERYWHERE]).await;
        announced(&scene, &proxy, "127.0.0.1", "guest").await;
        let Some(address) = own_address() else { return not_tested("THIS MACHINE HAS NO ADDRESS BUT LOOPBACK") };
        let address = address.to_string();
        announced(&scene, &proxy, &address, "other").await;
        // The broker goes by its own end of the connection, whatever it is told of the other: the rule is still needed.
        let guest = ["--host", &*address];
        let told = Script::start(&scene, "login", proxy.port, &guest).finish();
        assert!(told[0]["text"].as_str().unwrap().contains("ACCESS_REFUSED"), "{told:?}");
        drop(proxy);
        let proxy = Proxied::start(&scene, &[header, EVERYWHERE, ("proxy.refuse_guest", "false")]).await;
        let told = Script::start(&scene, "login", proxy.port, &guest).finish();
        assert_eq!(told[0]["what"], "in", "{told:?}");
    });
}

/// The broker sees the client under its own address and port.
async fn announced(scene: &Scene, proxy: &Proxied, host: &str, user: &str) {
    let queue = format!("of-{user}");
    scene.queue(&queue, json!({})).await;
    let more = ["--host", host, "--user", user, "--queue", &queue];
    let script = Script::start(scene, "roundtrip", proxy.port, &more);
    script.tells("roundtrip").await;
    let session = proxy.session(&format!("fault-{queue}"), |_| true).await;
    let (client_host, client_port) = session.address.rsplit_once(':').unwrap();
    assert_eq!(client_host, host);
    let listed = scene.node.ctl(&["-q", "list_connections", "user", "peer_host", "peer_port"]);
    let mut lines = listed.lines().filter(|line| line.starts_with(&format!("{user}\t")));
    assert_eq!(lines.next(), Some(&*format!("{user}\t{client_host}\t{client_port}")), "{listed}");
}

#[test]
fn the_brokers_addresses_are_tried_in_turn() {
    on_each_broker(async |scene: Scene| {
        let hosts = scene.dir().join("hosts");
        fs::write(&hosts, "127.0.0.1 localhost\n::1 several.test\n127.0.0.9 several.test\n127.0.0.1 several.test\n")
            .unwrap();
        let Some(launcher) = with_hosts(&hosts) else {
            return not_tested("/etc/hosts CANNOT BE REPLACED HERE, AND NO NAME HAS SEVERAL ADDRESSES");
        };
        let broker = format!("several.test:{}", scene.node.port);
        let proxy = Proxied::launch(&scene, launcher, &[("proxy.broker", &broker)]).await;
        for _ in 0..3 {
            let told = Script::start(&scene, "login", proxy.port, &[]).finish();
            assert_eq!(told[0]["what"], "in", "{told:?}");
        }
        assert_eq!(proxy.figure(UNREACHABLE, |_| true).await, 0);
        drop(proxy);

        // None of them answers on this port.
        let free = free_port();
        let broker = format!("several.test:{free}");
        let launcher = with_hosts(&hosts).unwrap();
        let proxy = Proxied::launch(&scene, launcher, &[("proxy.broker", &broker)]).await;
        let told = Script::start(&scene, "login", proxy.port, &[]).finish();
        assert_eq!(told[0]["what"], "error", "{told:?}");
        proxy.figure(UNREACHABLE, |count| count == 1).await;
        let log = proxy.hoptrail.log();
        let line = log.lines().find(|line| line.contains("the broker cannot be reached")).unwrap();
        for address in ["[::1]", "127.0.0.9", "127.0.0.1"] {
            assert!(line.contains(&format!("{address}:{free} (")), "{line}");
        }
    });
}

/// hoptrail with names of its own, in a mount namespace. `None`: that is not allowed here.
fn with_hosts(hosts: &Path) -> Option<Launcher> {
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    let words: Vec<OsString> =
        ["unshare", "--mount", "sh", "-c", script].into_iter().map(Into::into).chain([hosts.into()]).collect();
    let mut trial = Command::new(&words[0]);
    let done = finished(trial.args(&words[1..]).arg("true"), DEADLINE);
    done.status.success().then(|| Launcher { through: words, environment: Vec::new() })
}

#[test]
fn past_sessions_max_clients_are_refused_until_a_session_ends() {
    on_each_broker(async |scene: Scene| {
        scene.queue("one", json!({})).await;
        let proxy = Proxied::start(&scene, &[("proxy.sessions_max", "1")]).await;
        let mut first = Script::start(&scene, "roundtrip", proxy.port, &["--queue", "one"]);
        first.tells("roundtrip").await;
        let told = Script::start(&scene, "login", proxy.port, &[]).finish();
        assert_eq!(told[0]["what"], "error", "{told:?}");
        proxy.figure(TOO_MANY, |count| count == 1).await;
        first.kill();
        eventually("a client is let in again", async || {
            let told = Script::start(&scene, "login", proxy.port, &[]).finish();
            ensure(told[0]["what"] == "in", || format!("{told:?}"))
        })
        .await;
    });
}
