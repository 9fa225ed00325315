//! The answers of the routes.

use super::*;
use crate::model::api::{
    CoverageReport, DeadLettersReport, EventView, EventsPage, Health, StalledReport, StatisticsReport, Trail,
};
use crate::model::{
    self, Alert, AlertState, Body as MessageBody, Death, Fingerprint, Gap, Source, SourceCoverage, SourceState,
    Stalled, StalledReason, StalledWhat,
};
use crate::record::Stats;
use crate::serve::http::requests::Requests;
use crate::serve::operate::health::ready;
use crate::serve::operate::metrics::page;

/// An id with every character that a URL, a terminal or JSON could mistake.
const ODD_ID: &str = "A/1 ?#%&\u{1b}[31m\u{202e}ü\n";
const ODD_PATH: &str = "A%2F1%20%3F%23%25%26%1B%5B31m%E2%80%AE%C3%BC%0A";

fn dead_letter(seq: u64, queue: &str, reason: &str) -> Event {
    let death = Death {
        queue: queue.into(),
        reason: reason.into(),
        exchange: "orders".into(),
        routing_keys: vec![],
        count: 1,
        first_at: None,
    };
    Event { death: Some(death), ..event(Kind::DeadLetter, seq) }
}

fn gap(seq: u64) -> Event {
    let at = Timestamp::from_micros(0);
    let gap = Gap { source: Source::Firehose, from: at, to: at, count: Some(2), cause: "the broker was away".into() };
    Event { gap: Some(gap), ..event(Kind::Gap, seq) }
}

#[tokio::test]
async fn an_order_is_found_by_any_id() {
    let found = Event { order_id: Some(ODD_ID.into()), ..event(Kind::Publish, 1) };
    let answer = get(&Stage::new(vec![found]), &format!("/api/v1/orders/{ODD_PATH}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.body.contains('\u{1b}'), "control characters are escaped");
    assert_eq!(answer.json::<Trail>().order_id.as_deref(), Some(ODD_ID));
}

#[tokio::test]
async fn a_message_is_found_by_id_and_by_fingerprint() {
    let by_id = Event { message_id: Some("m-1".into()), ..event(Kind::Publish, 1) };
    let fingerprint = Fingerprint([7; 16]);
    let without_id = Event { fingerprint: Some(fingerprint), ..event(Kind::Publish, 2) };
    let stage = Stage::new(vec![by_id, without_id]);
    let found: Trail = get(&stage, "/api/v1/messages/m-1").await.json();
    assert_eq!(found.events[0].seq, 1);
    let found: Trail = get(&stage, &format!("/api/v1/messages/{fingerprint}")).await.json();
    assert_eq!(found.events[0].seq, 2);
}

#[tokio::test]
async fn a_list_has_no_bodies_and_one_event_has_its_own() {
    let body = MessageBody { len: 2, data: b"{}".to_vec(), ..MessageBody::default() };
    let stage = Stage::new(vec![Event { body: Some(body), ..event(Kind::Publish, 1) }]);
    let page: EventsPage = get(&stage, "/api/v1/events").await.json();
    let brief = page.events[0].body.clone().unwrap();
    assert_eq!((brief.bytes, brief.text), (2, None));
    let full: EventView = get(&stage, "/api/v1/events/1").await.json();
    assert_eq!(full.body.unwrap().text.as_deref(), Some("{}"));
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let stage = Stage::new((1..=5).map(|seq| event(Kind::Publish, seq)).collect());
    let (mut seqs, mut uri) = (Vec::new(), "/api/v1/events?limit=2&kind=publish".to_owned());
    for _ in 0..3 {
        let page: EventsPage = get(&stage, &uri).await.json();
        seqs.extend(page.events.iter().map(|event| event.seq));
        let Some(cursor) = page.next_cursor else { break };
        uri = format!("/api/v1/events?kind=publish&limit=2&cursor={cursor}");
    }
    assert_eq!(seqs, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn exports_name_the_next_page_in_a_link() {
    let events = (1..=3).map(|seq| Event { queue: Some("a b&c".into()), ..event(Kind::Deliver, seq) });
    let stage = Stage::new(events.collect());
    let first = get(&stage, "/api/v1/events?format=ndjson&queue=a%20b%26c&limit=2").await;
    assert_eq!(first.header("content-type"), "application/x-ndjson");
    assert_eq!(first.body.lines().count(), 2);
    let link = first.header("link").strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let last = get(&stage, link).await;
    assert_eq!((last.status, last.body.lines().count(), last.header("link")), (StatusCode::OK, 1, ""));
    let csv = get(&stage, "/api/v1/events?format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.body.lines().count(), 4);
}

#[tokio::test]
async fn what_is_stalled_is_told_up_to_the_limit_and_counted() {
    let packaged = |seq, service: &str| Event {
        order_id: Some(format!("A-{seq}").into()),
        message_id: Some(format!("m-{seq}").into()),
        status: Some("PACKAGING".into()),
        service: Some(service.into()),
        ..event(Kind::Publish, seq)
    };
    let events = (1..=7).map(|seq| packaged(seq, "MES")).chain([packaged(8, "CRM")]);
    let statuses = r#"[{ status = "PACKAGING", stalled_after = "1h" }]"#;
    let stage = Stage::over(Filled::new(events.collect()), &[("flow.statuses", statuses)]);
    stage.follow().await;
    let uri = "/api/v1/stalled?what=orders&step=PACKAGING&service=MES&limit=5";
    let report: StalledReport = get(&stage, uri).await.json();
    assert_eq!((report.total, report.stalled.len()), (7, 5));
    assert!(report.stalled.iter().all(|item| item.what == StalledWhat::Order), "{:?}", report.stalled);
}

#[tokio::test]
async fn dead_letters_are_grouped_most_first() {
    let mut events: Vec<Event> = (1..=5).map(|seq| dead_letter(seq, "mes", "rejected")).collect();
    events.push(dead_letter(6, "mes", "expired"));
    events.push(dead_letter(7, "crm", "expired"));
    events.push(event(Kind::DeadLetter, 8));
    let stage = Stage::new(events);
    let report: DeadLettersReport = get(&stage, "/api/v1/dead-letters").await.json();
    let groups: Vec<_> = report.groups.iter().map(|group| (group.key.as_str(), group.count)).collect();
    assert_eq!(groups, [("mes", 6), ("crm", 1), ("unknown", 1)]);
    assert_eq!((report.total, report.truncated, report.group_by.as_str()), (8, false, "queue"));
    let mes = &report.groups[0];
    assert_eq!(mes.reasons, [("expired".to_owned(), 1), ("rejected".to_owned(), 5)].into());
    assert_eq!(mes.samples.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 5, 4]);
    let second = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    assert_eq!((mes.first_at, mes.last_at), (second(1), second(6)));
    let report: DeadLettersReport = get(&stage, "/api/v1/dead-letters?group_by=reason&from=2&to=8").await.json();
    let groups: Vec<_> = report.groups.iter().map(|group| (group.key.as_str(), group.count)).collect();
    assert_eq!(groups, [("rejected", 4), ("expired", 2)]);
}

#[tokio::test]
async fn statistics_tell_what_was_recorded_and_what_of_it_is_gone() {
    let mut journal = Filled::new(vec![]);
    for (day, count) in [(0, 5), (1, 3)] {
        for _ in 0..count {
            let at = Timestamp::start_of_day(day);
            journal.push(Event { at, service: Some("Shop".into()), ..event(Kind::Publish, 0) });
        }
    }
    journal.age(Timestamp::start_of_day(2));
    let stage = Stage::over(journal, &[]);
    let answer = get(&stage, "/api/v1/statistics").await;
    let expected = concat!(
        r#"{"rows":[{"day":"1970-01-02","kind":"publish","service":"Shop","count":3},"#,
        r#"{"day":"1970-01-01","kind":"publish","service":"Shop","count":5,"removed":5}],"total":8,"removed":5}"#
    );
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, expected));
    let report: StatisticsReport = get(&stage, "/api/v1/statistics?group_by=kind&from=86400").await.json();
    assert_eq!((report.group_by.as_deref(), report.total), (Some("kind"), 3));
}

#[tokio::test]
async fn coverage_has_sources_and_the_newest_gaps() {
    let stage = Stage::new((1..=120).map(gap).collect());
    stage.handles.live.sources.set_state("/", Source::Binding, SourceState::Live, Timestamp::default());
    let report: CoverageReport = get(&stage, "/api/v1/coverage").await.json();
    assert_eq!((report.first_seq, report.last_seq, report.sources.len()), (1, 120, 1));
    assert_eq!((report.gaps.len(), report.gaps[0].seq), (100, 120));
    assert_eq!(report.gaps[0].cause, "the broker was away");
}

fn source(state: SourceState) -> SourceCoverage {
    let problems = if state == SourceState::Failed { vec!["access refused".to_owned()] } else { vec![] };
    SourceCoverage { vhost: "/".into(), source: Source::Binding.into(), state, problems, ..SourceCoverage::default() }
}

#[tokio::test]
async fn readiness_says_what_is_wrong() {
    assert_eq!(get(&Stage::new(vec![]), "/readyz").await.status, 200);
    let stats = Stats { queue_len_max: 10, ..Stats::default() };
    let sources = vec![source(SourceState::Live), source(SourceState::Failed), source(SourceState::Off)];
    let good = Standing { stats, sources, ..Standing::default() };
    assert_eq!(read(ready(&good, false)).await.status, 200);
    let health: Health = read(ready(&good, true)).await.json();
    let names: Vec<_> = health.checks.iter().map(|check| (check.name.as_str(), check.ok)).collect();
    assert_eq!(names, [("journal", true), ("recorder", true), ("broker", true), ("flow", true)]);
    assert!(health.checks[2].detail.contains("access refused"), "{}", health.checks[2].detail);
    type Change = fn(&mut Standing);
    let broken: [(&str, Change); 5] = [
        ("journal", |standing| standing.stats.ended = Some("fsync failed".into())),
        ("recorder", |standing| standing.stats.queue_len = 10),
        ("broker", |standing| standing.sources = vec![source(SourceState::Failed)]),
        ("flow", |standing| standing.lag = 1_000_000),
        ("flow", |standing| standing.is_behind_a_panic = true),
    ];
    for (name, change) in broken {
        let mut standing = good.clone();
        change(&mut standing);
        let answer = read(ready(&standing, false)).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (503, "application/problem+json"));
        assert!(answer.body.contains(&format!("{name}: ")), "{}", answer.body);
        let verbose = read(ready(&standing, true)).await;
        assert_eq!(verbose.status, 503);
        let failed: Vec<_> = verbose.json::<Health>().checks.into_iter().filter(|check| !check.ok).collect();
        assert_eq!(failed.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[tokio::test]
async fn metrics_are_made_from_the_readings() {
    let stats = Stats {
        queue_len_max: 10,
        recorded: vec![(Source::Firehose, Kind::Publish, 41)],
        dead_letters: vec![("m\"es\n".into(), "rejected".into(), 2)],
        commit_seconds: 0.5,
        ..Stats::default()
    };
    let alert = Alert { rule: "spike".into(), state: AlertState::Firing, ..Alert::default() };
    let item = Stalled { reason: StalledReason::Undelivered, ..Stalled::default() };
    let readings = Readings {
        standing: Standing {
            stats,
            sources: vec![source(SourceState::Live), source(SourceState::Off)],
            ..Standing::default()
        },
        last_seq: 1,
        disk_bytes: 4096,
        messages: 3,
        orders: 2,
        evicted: 1,
        stalled: model::StalledReport { stalled: vec![item], total: 3, ..model::StalledReport::default() },
        alerts: vec![alert],
        notifications_sent: 5,
        notifications_failed: 1,
    };
    let text = read(page(&readings, &Requests::default())).await.body;
    for line in [
        "hoptrail_events_recorded_total{source=\"firehose\",kind=\"publish\"} 41",
        "hoptrail_dead_letters_total{queue=\"m\\\"es\\n\",reason=\"rejected\"} 2",
        "hoptrail_recorder_queue_capacity 10",
        "hoptrail_recorder_dropped_total 0",
        "hoptrail_journal_commit_seconds_total 0.5",
        "hoptrail_journal_last_seq 1",
        "hoptrail_journal_disk_bytes 4096",
        "hoptrail_stalled{what=\"message\",reason=\"undelivered\"} 1",
        "hoptrail_stalled{what=\"order\",reason=\"status\"} 0",
        "hoptrail_stalled{what=\"any\",reason=\"not_counted\"} 2",
        "hoptrail_flow_tracked{what=\"orders\"} 2",
        "hoptrail_source_up{vhost=\"/\",source=\"binding\"} 1",
        "hoptrail_alerts_firing{rule=\"spike\"} 1",
        "hoptrail_notifications_total{result=\"failed\"} 1",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn metrics_are_gathered_at_the_scrape() {
    let stage = Stage::new(vec![event(Kind::Publish, 1)]);
    let router = router(stage.handles.clone(), TIMEOUT);
    let ask = |uri: &str| router.clone().oneshot(Request::get(uri).body(Body::empty()).unwrap());
    ask("/api/v1/orders/one").await.unwrap();
    ask("/no/such/route").await.unwrap();
    let answer = read(ask("/metrics").await.unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.body;
    for line in [
        "hoptrail_journal_last_seq 1",
        "hoptrail_http_requests_total{route=\"/api/v1/orders/{order_id}\",status=\"404\"} 1",
        "hoptrail_http_requests_total{route=\"none\",status=\"404\"} 1",
        "hoptrail_http_request_seconds_count{route=\"none\"} 1",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
    }
    assert!(!text.contains("hoptrail_proxy_"), "the proxy is off");
    assert!(text.contains("hoptrail_build_info{version=\"") && text.ends_with("# EOF\n"), "{text}");
}
