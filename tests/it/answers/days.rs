//! The recorded days: every route of the API, and every command that asks.

use reqwest::Method;

use super::shown::{metric_names, shown};
use super::snapshots::Snapshots;
use super::stage::{Stage, unpack};

/// As the demo has it: what waits three seconds is stalled, as is manufacturing that takes longer.
const STATUSES: &str = r#"[
    { status = "SUBMITTED", stalled_after = "30m" },
    { status = "PRICE_CALCULATED", stalled_after = "30m" },
    { status = "MANUFACTURING_APPROVED", stalled_after = "30m" },
    { status = "MANUFACTURING_STARTED", stalled_after = "3s" },
]"#;
const SETTINGS: [(&str, &str); 3] =
    [("flow.undelivered_after", "3s"), ("flow.unsettled_after", "1m"), ("flow.statuses", STATUSES)];

/// Questions that any day answers: a name, and the path below `/api/v1`.
const QUESTIONS: &[(&str, &str)] = &[
    ("order-runs-through", "/orders/JW-2026-001001"),
    ("order-not-json", "/orders/JW-2026-001006"),
    ("order-rejected", "/orders/JW-2026-001008"),
    ("order-expired", "/orders/JW-2026-001009"),
    ("order-full-queue", "/orders/JW-2026-001010"),
    ("order-delivery-limit", "/orders/JW-2026-001011"),
    ("order-unroutable", "/orders/JW-2026-001012"),
    ("order-undelivered", "/orders/JW-2026-001013"),
    ("order-default-exchange", "/orders/JW-2026-001014"),
    ("order-status-stalled", "/orders/JW-2026-001015"),
    ("order-unknown", "/orders/JW-0"),
    ("order-not-utf8", "/orders/%ff"),
    ("message-unknown", "/messages/m-0"),
    ("message-bad-fingerprint", "/messages/fp:zz"),
    ("events-of-an-order", "/events?order_id=JW-2026-001008&order=asc"),
    ("events-of-an-order-ndjson", "/events?order_id=JW-2026-001013&format=ndjson&order=asc"),
    ("events-page", "/events?limit=1&order=asc"),
    ("events-publish", "/events?kind=publish&limit=2&order=asc"),
    ("events-deliver", "/events?kind=deliver&limit=2&order=asc"),
    ("events-confirm", "/events?kind=confirm&limit=2&order=asc"),
    ("events-return", "/events?kind=return&limit=2&order=asc"),
    ("events-settle", "/events?kind=settle&limit=2&order=asc"),
    ("events-dead-letter", "/events?kind=dead_letter&limit=2&order=asc"),
    ("events-unroutable", "/events?kind=unroutable&limit=2&order=asc"),
    ("events-session-open", "/events?kind=session_open&limit=2&order=asc"),
    ("events-session-close", "/events?kind=session_close&limit=2&order=asc"),
    ("events-topology", "/events?kind=topology&limit=3&order=asc"),
    ("events-gap", "/events?kind=gap&limit=5&order=asc"),
    ("events-filtered", "/events?exchange=crm.tasks&service=CRM&vhost=/&queue=mes.manufacturing&limit=2"),
    ("events-of-a-status", "/events?status=SHIPPED&limit=2&from=2026-11-29T01:00:00Z&to=now"),
    ("events-before-the-day", "/events?to=1795914000"),
    ("events-csv", "/events?format=csv&order=asc&limit=100&kind=dead_letter"),
    ("events-csv-of-an-order", "/events?format=csv&order=asc&order_id=JW-2026-001002"),
    ("events-bad-kind", "/events?kind=nonsense"),
    ("events-bad-source", "/events?source=nonsense"),
    ("events-bad-cursor", "/events?cursor=nonsense"),
    ("events-foreign-cursor", "/events?cursor=AQAAAAAAAAAFAAAAAAAAAAA"),
    ("events-bad-limit", "/events?limit=0"),
    ("events-bad-order", "/events?order=sideways"),
    ("events-bad-format", "/events?format=xml"),
    ("events-bad-time", "/events?from=yesterday"),
    ("events-backwards", "/events?from=now&to=now-1h"),
    ("events-unknown-parameter", "/events?knd=publish"),
    ("events-parameter-twice", "/events?kind=publish&kind=gap"),
    ("event-one", "/events/1"),
    ("event-not-a-number", "/events/one"),
    ("event-unknown", "/events/18446744073709551615"),
    ("stalled", "/stalled"),
    ("stalled-messages", "/stalled?what=messages&limit=2"),
    ("stalled-orders", "/stalled?what=orders"),
    ("stalled-of-a-queue", "/stalled?queue=crm.callbacks"),
    ("stalled-of-a-service", "/stalled?service=CRM&limit=3"),
    ("stalled-in-a-status", "/stalled?status=MANUFACTURING_STARTED"),
    ("stalled-in-a-step", "/stalled?step=MANUFACTURING_STARTED&what=orders"),
    ("stalled-bad-what", "/stalled?what=everything"),
    ("stalled-bad-limit", "/stalled?limit=1001"),
    ("dead-letters", "/dead-letters"),
    ("dead-letters-by-queue", "/dead-letters?group_by=queue"),
    ("dead-letters-by-reason", "/dead-letters?group_by=reason"),
    ("dead-letters-by-exchange", "/dead-letters?group_by=exchange"),
    ("dead-letters-by-service", "/dead-letters?group_by=service"),
    ("dead-letters-of-a-time", "/dead-letters?from=now-1h&to=2026-11-29T01:14:35Z"),
    ("dead-letters-bad-group", "/dead-letters?group_by=moon"),
    ("statistics", "/statistics"),
    ("statistics-by-day", "/statistics?group_by=day"),
    ("statistics-by-kind", "/statistics?group_by=kind"),
    ("statistics-by-service", "/statistics?group_by=service"),
    ("statistics-by-queue", "/statistics?group_by=queue"),
    ("statistics-of-another-day", "/statistics?from=2026-11-30T00:00:00Z"),
    ("statistics-bad-group", "/statistics?group_by=moon"),
    ("sessions", "/sessions"),
    ("sessions-csv", "/sessions?format=csv"),
    ("alerts", "/alerts"),
    ("coverage", "/coverage"),
    ("unknown-route", "/nothing"),
];

/// A message without an id, by its digest under the day's own key.
const TAP_QUESTIONS: &[(&str, &str)] = &[("message-without-an-id", "/messages/fp:5eee5f603a03b1ab039d7968e9018b3d")];

/// What the day through the proxy has besides.
const PROXY_QUESTIONS: &[(&str, &str)] = &[
    ("order-returned", "/orders/JW-2026-002001"),
    ("order-held", "/orders/JW-2026-002002"),
    ("order-held-when-killed", "/orders/JW-2026-002000"),
    ("message-given-back", "/messages/gift-held"),
    ("message-waiting", "/messages/gift-waiting"),
    ("message-automatic", "/messages/gift-logged"),
    ("message-lost-with-its-session", "/messages/gift-job"),
    ("message-returned", "/messages/gift-returned"),
    ("stalled-by-its-holder", "/stalled?service=CRM&what=messages&queue=gifts.packing"),
];

/// Commands that any day answers.
const COMMANDS: &[(&str, &[&str])] = &[
    ("command-order-unknown", &["order", "JW-0"]),
    ("command-order-csv", &["order", "JW-2026-001008", "-o", "csv"]),
    ("command-order-ndjson", &["order", "JW-2026-001013", "-o", "ndjson"]),
    ("command-message-unknown", &["message", "m-0"]),
    ("command-events", &["events", "--limit", "20"]),
    ("command-events-oldest", &["events", "--oldest-first", "--limit", "20"]),
    ("command-events-gap", &["events", "--kind", "gap"]),
    ("command-events-topology", &["events", "--kind", "topology", "--limit", "5"]),
    ("command-events-session", &["events", "--kind", "session_open", "--limit", "3"]),
    ("command-events-settle", &["events", "--kind", "settle", "--limit", "3"]),
    ("command-events-csv", &["events", "--order-id", "JW-2026-001014", "--oldest-first", "-o", "csv"]),
    ("command-events-bad", &["events", "--kind", "nonsense"]),
    ("command-stalled", &["stalled"]),
    ("command-stalled-orders", &["stalled", "--what", "orders"]),
    ("command-stalled-nothing", &["stalled", "--queue", "nowhere"]),
    ("command-stalled-csv", &["stalled", "--what", "orders", "-o", "csv"]),
    ("command-dead-letters", &["dead-letters"]),
    ("command-dead-letters-by-reason", &["dead-letters", "--group-by", "reason"]),
    ("command-dead-letters-csv", &["dead-letters", "--group-by", "service", "-o", "csv"]),
    ("command-statistics", &["statistics"]),
    ("command-statistics-by-kind", &["statistics", "--group-by", "kind"]),
    ("command-statistics-csv", &["statistics", "--group-by", "service", "-o", "csv"]),
    ("command-sessions", &["sessions"]),
    ("command-alerts", &["alerts"]),
    ("command-alerts-csv", &["alerts", "-o", "csv"]),
    ("command-coverage", &["coverage"]),
    ("command-coverage-csv", &["coverage", "-o", "csv"]),
];

const PROXY_COMMANDS: &[(&str, &[&str])] = &[
    ("command-message-held", &["message", "gift-held"]),
    ("command-message-waiting", &["message", "gift-waiting"]),
    ("command-message-automatic", &["message", "gift-logged"]),
    ("command-message-returned", &["message", "gift-returned"]),
    ("command-order-held-when-killed", &["order", "JW-2026-002000"]),
];

fn questions(stage: &Stage, snapshots: &mut Snapshots, questions: &[(&str, &str)]) {
    for (name, path) in questions {
        snapshots.check(name, &stage.ask(&Method::GET, &format!("/api/v1{path}")));
    }
}

/// Asks on the command line. The address that it asks is this run's, and left out.
fn commands(stage: &Stage, snapshots: &mut Snapshots, commands: &[(&str, &[&str])]) {
    for (name, words) in commands {
        let words = [words, &["--url", &*stage.url][..]].concat();
        snapshots.check(name, &shown(&words).replace(&stage.url, "URL"));
    }
}

/// The trails of all the day's orders as the command line shows them, in one snapshot.
fn orders(stage: &Stage, snapshots: &mut Snapshots) {
    let ids = (1..=15).map(|number| format!("JW-2026-0010{number:02}"));
    let all: Vec<String> = ids.map(|id| shown(&["order", &id, "--url", &stage.url])).collect();
    snapshots.check("command-orders", &all.join("\n").replace(&stage.url, "URL"));
}

#[test]
fn the_day_as_the_taps_saw_it() {
    let stage = Stage::open(unpack("answers/journals/tap.tar.zst"), &SETTINGS);
    let mut snapshots = Snapshots::of("tap");
    questions(&stage, &mut snapshots, QUESTIONS);
    questions(&stage, &mut snapshots, TAP_QUESTIONS);
    commands(&stage, &mut snapshots, COMMANDS);
    orders(&stage, &mut snapshots);
    for (name, path) in [("livez", "/livez"), ("readyz", "/readyz"), ("readyz-verbose", "/readyz?verbose")] {
        snapshots.check(name, &stage.ask(&Method::GET, path));
    }
    snapshots.check("metrics", &metric_names(&stage.ask(&Method::GET, "/metrics")));
    snapshots.check("root", &stage.ask(&Method::GET, "/"));
    snapshots.check("post", &stage.ask(&Method::POST, "/api/v1/events"));
    snapshots.check("head", &stage.ask(&Method::HEAD, "/api/v1/orders/JW-2026-001001"));
    snapshots.finish();
}

#[test]
fn the_day_through_the_proxy() {
    let stage = Stage::open(unpack("answers/journals/proxy.tar.zst"), &SETTINGS);
    let mut snapshots = Snapshots::of("proxy");
    questions(&stage, &mut snapshots, QUESTIONS);
    questions(&stage, &mut snapshots, PROXY_QUESTIONS);
    commands(&stage, &mut snapshots, COMMANDS);
    commands(&stage, &mut snapshots, PROXY_COMMANDS);
    orders(&stage, &mut snapshots);
    snapshots.finish();
}
