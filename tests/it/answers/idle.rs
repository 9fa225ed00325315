//! A hoptrail that has just been started, with a proxy that nobody uses and a broker that is not there.

use reqwest::Method;

use super::shown::metric_names;
use super::snapshots::Snapshots;
use super::stage::Stage;
use crate::support::{eventually, wait::ensure};

#[test]
fn nothing_recorded_yet() {
    let settings = [
        // Nobody listens there: it is refused at once, and not tried again while this runs.
        ("broker.url", "amqp://guest:guest@127.0.0.1:1/%2f"),
        ("broker.management_url", "http://127.0.0.1:1"),
        ("broker.reconnect_min", "1h"),
        ("broker.reconnect_max", "1h"),
        ("tap.enabled", "true"),
        ("proxy.enabled", "true"),
        ("proxy.listen", "127.0.0.1:0"),
    ];
    let stage = Stage::open(tempfile::tempdir().unwrap(), &settings);
    let mut snapshots = Snapshots::of("idle");
    stage.run(eventually("the tap tells that there is no broker", async || {
        let text = stage.asked(&Method::GET, "/api/v1/coverage").await;
        ensure(!text.contains("connecting"), || text)
    }));
    for (name, path) in [
        ("coverage", "/api/v1/coverage"),
        ("sessions", "/api/v1/sessions"),
        ("statistics", "/api/v1/statistics"),
        ("alerts", "/api/v1/alerts"),
        ("events", "/api/v1/events"),
        ("readyz", "/readyz"),
        ("readyz-verbose", "/readyz?verbose"),
    ] {
        snapshots.check(name, &stage.ask(&Method::GET, path));
    }
    snapshots.check("metrics", &metric_names(&stage.ask(&Method::GET, "/metrics")));
    snapshots.finish();
}
