//! What the routes answer.

use super::*;
use crate::journal::{Count, Statistics};
use crate::model::api::{
    AlertState, AlertView, AlertsReport, CoverageReport, DeadLettersReport, EventView, EventsPage, Health,
    SourceCoverage, StalledItem, StalledReport, StalledWhat, StatisticsReport, TapState, Trail,
};
use crate::model::{Body as MessageBody, Death, Fingerprint, Gap};

/// An id with everything that a URL, a terminal and JSON could trip over.
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
    let answer = get(&Arc::new(Fake::new(vec![found])), &format!("/api/v1/orders/{ODD_PATH}")).await;
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
    let facts = Arc::new(Fake::new(vec![by_id, without_id]));
    let found: Trail = get(&facts, "/api/v1/messages/m-1").await.json();
    assert_eq!(found.events[0].seq, 1);
    let found: Trail = get(&facts, &format!("/api/v1/messages/{fingerprint}")).await.json();
    assert_eq!(found.events[0].seq, 2);
}

#[tokio::test]
async fn a_list_has_no_bodies_and_one_event_has_its_own() {
    let body = MessageBody { len: 2, data: b"{}".to_vec(), ..MessageBody::default() };
    let facts = Arc::new(Fake::new(vec![Event { body: Some(body), ..event(Kind::Publish, 1) }]));
    let page: EventsPage = get(&facts, "/api/v1/events").await.json();
    let brief = page.events[0].body.clone().unwrap();
    assert_eq!((brief.bytes, brief.text), (2, None));
    let full: EventView = get(&facts, "/api/v1/events/1").await.json();
    assert_eq!(full.body.unwrap().text.as_deref(), Some("{}"));
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let facts = Arc::new(Fake::new((1..=5).map(|seq| event(Kind::Publish, seq)).collect()));
    let (mut seqs, mut uri) = (Vec::new(), "/api/v1/events?limit=2&kind=publish".to_owned());
    for _ in 0..3 {
        let page: EventsPage = get(&facts, &uri).await.json();
        seqs.extend(page.events.iter().map(|event| event.seq));
        let Some(cursor) = page.next_cursor else { break };
        uri = format!("/api/v1/events?kind=publish&limit=2&cursor={cursor}");
    }
    assert_eq!(seqs, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn exports_name_the_next_page_in_a_link() {
    let events = (1..=3).map(|seq| Event { queue: Some("a b&c".into()), ..event(Kind::Deliver, seq) });
    let facts = Arc::new(Fake::new(events.collect()));
    let first = get(&facts, "/api/v1/events?format=ndjson&queue=a%20b%26c&limit=2").await;
    assert_eq!(first.header("content-type"), "application/x-ndjson");
    assert_eq!(first.body.lines().count(), 2);
    let link = first.header("link").strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let last = get(&facts, link).await;
    assert_eq!((last.status, last.body.lines().count(), last.header("link")), (StatusCode::OK, 1, ""));
    let csv = get(&facts, "/api/v1/events?format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.body.lines().count(), 4);
}

#[tokio::test]
async fn the_stalled_question_is_passed_on() {
    let mut facts = Fake::new(vec![]);
    facts.stalled = StalledReport { total: 7, ..StalledReport::default() };
    let facts = Arc::new(facts);
    let uri = "/api/v1/stalled?what=orders&step=PACKAGING&service=MES&queue=q&limit=5";
    assert_eq!(get(&facts, uri).await.json::<StalledReport>().total, 7);
    let asked = facts.asked.lock().unwrap();
    assert_eq!(asked[0].what, Some(StalledWhat::Order));
    assert_eq!(asked[0].status.as_deref(), Some("PACKAGING"));
    assert_eq!((asked[0].service.as_deref(), asked[0].queue.as_deref(), asked[0].limit), (Some("MES"), Some("q"), 5));
}

#[tokio::test]
async fn dead_letters_are_grouped_most_first() {
    let mut events: Vec<Event> = (1..=5).map(|seq| dead_letter(seq, "mes", "rejected")).collect();
    events.push(dead_letter(6, "mes", "expired"));
    events.push(dead_letter(7, "crm", "expired"));
    events.push(event(Kind::DeadLetter, 8));
    let facts = Arc::new(Fake::new(events));
    let report: DeadLettersReport = get(&facts, "/api/v1/dead-letters").await.json();
    let groups: Vec<_> = report.groups.iter().map(|group| (group.key.as_str(), group.count)).collect();
    assert_eq!(groups, [("mes", 6), ("crm", 1), ("unknown", 1)]);
    assert_eq!((report.total, report.truncated, report.group_by.as_str()), (8, false, "queue"));
    let mes = &report.groups[0];
    assert_eq!(mes.reasons, [("expired".to_owned(), 1), ("rejected".to_owned(), 5)].into());
    assert_eq!(mes.samples.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 5, 4]);
    assert_eq!(
        (mes.first_at.as_str(), mes.last_at.as_str()),
        ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:06.000000Z")
    );
    let report: DeadLettersReport = get(&facts, "/api/v1/dead-letters?group_by=reason&from=2&to=8").await.json();
    let groups: Vec<_> = report.groups.iter().map(|group| (group.key.as_str(), group.count)).collect();
    assert_eq!(groups, [("rejected", 4), ("expired", 2)]);
}

#[tokio::test]
async fn statistics_tell_what_was_recorded_and_what_of_it_is_gone() {
    let part = |day: i64, kept, count| Statistics {
        first: Seq(1),
        last: Seq(count),
        from: Timestamp::start_of_day(day),
        to: Timestamp::start_of_day(day),
        kept,
        counts: vec![Count { kind: Kind::Publish, service: Some("Shop".into()), queue: None, count }],
    };
    let mut facts = Fake::new(vec![]);
    facts.statistics = vec![part(0, false, 5), part(1, true, 3)];
    let facts = Arc::new(facts);
    let answer = get(&facts, "/api/v1/statistics").await;
    let expected = concat!(
        r#"{"rows":[{"day":"1970-01-02","kind":"publish","service":"Shop","count":3},"#,
        r#"{"day":"1970-01-01","kind":"publish","service":"Shop","count":5,"removed":5}],"total":8,"removed":5}"#
    );
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, expected));
    let report: StatisticsReport = get(&facts, "/api/v1/statistics?group_by=kind&from=86400").await.json();
    assert_eq!((report.group_by.as_deref(), report.total), (Some("kind"), 3));
}

#[tokio::test]
async fn coverage_has_sources_and_the_newest_gaps() {
    let mut facts = Fake::new((1..=120).map(gap).collect());
    facts.sources = vec![source(TapState::Live)];
    let report: CoverageReport = get(&Arc::new(facts), "/api/v1/coverage").await.json();
    assert_eq!((report.first_seq, report.last_seq, report.sources.len()), (1, 120, 1));
    assert_eq!((report.gaps.len(), report.gaps[0].seq), (100, 120));
    assert_eq!(report.gaps[0].cause, "the broker was away");
}

fn source(state: TapState) -> SourceCoverage {
    let problems = if state == TapState::Failed { vec!["access refused".to_owned()] } else { vec![] };
    SourceCoverage { vhost: "/".into(), source: "binding".into(), state, problems, ..SourceCoverage::default() }
}

#[tokio::test]
async fn readiness_says_what_is_wrong() {
    let ready = |change: fn(&mut Fake)| {
        let mut facts = Fake::new(vec![]);
        facts.sources = vec![source(TapState::Live), source(TapState::Failed), source(TapState::Off)];
        change(&mut facts);
        Arc::new(facts)
    };
    let good = ready(|_| ());
    assert_eq!(get(&good, "/readyz").await.status, 200);
    let health: Health = get(&good, "/readyz?verbose").await.json();
    let names: Vec<_> = health.checks.iter().map(|check| (check.name.as_str(), check.ok)).collect();
    assert_eq!(names, [("journal", true), ("recorder", true), ("broker", true), ("flow", true)]);
    assert!(health.checks[2].detail.contains("access refused"), "{}", health.checks[2].detail);
    type Change = fn(&mut Fake);
    let broken: [(&str, Change); 4] = [
        ("journal", |facts| facts.stats.poisoned = Some("fsync failed".into())),
        ("recorder", |facts| facts.stats.queue_len = 10),
        ("broker", |facts| facts.sources = vec![source(TapState::Failed)]),
        ("flow", |facts| facts.lag = 1_000_000),
    ];
    for (name, change) in broken {
        let facts = ready(change);
        let answer = get(&facts, "/readyz").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (503, "application/problem+json"));
        assert!(answer.body.contains(&format!("{name}: ")), "{}", answer.body);
        let verbose = get(&facts, "/readyz?verbose").await;
        assert_eq!(verbose.status, 503);
        let failed: Vec<_> = verbose.json::<Health>().checks.into_iter().filter(|check| !check.ok).collect();
        assert_eq!(failed.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[tokio::test]
async fn metrics_are_gathered_at_the_scrape() {
    let mut facts = Fake::new(vec![event(Kind::Publish, 1)]);
    facts.stats.recorded = vec![(Source::Firehose, Kind::Publish, 41)];
    facts.stats.dead_letters = vec![("m\"es\n".into(), "rejected".into(), 2)];
    facts.stats.commit_seconds = 0.5;
    facts.sources = vec![source(TapState::Live), source(TapState::Off)];
    facts.alerts = AlertsReport {
        alerts: vec![AlertView { rule: "spike".into(), state: AlertState::Firing, ..AlertView::default() }],
    };
    let item = StalledItem { reason: "undelivered".into(), ..StalledItem::default() };
    facts.stalled = StalledReport { stalled: vec![item], total: 3, ..StalledReport::default() };
    let router = router_over(Arc::new(facts), TIMEOUT);
    let ask = |uri: &'static str| {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let router = router.clone();
        async move { router.oneshot(request).await.unwrap() }
    };
    ask("/api/v1/orders/one").await;
    ask("/no/such/route").await;
    let response = ask("/metrics").await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
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
        "hoptrail_tap_up{vhost=\"/\",source=\"binding\"} 1",
        "hoptrail_alerts_firing{rule=\"spike\"} 1",
        "hoptrail_notifications_total{result=\"failed\"} 1",
        "hoptrail_http_requests_total{route=\"/api/v1/orders/{order_id}\",status=\"404\"} 1",
        "hoptrail_http_requests_total{route=\"none\",status=\"404\"} 1",
        "hoptrail_http_request_seconds_count{route=\"none\"} 1",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
    }
    assert!(!text.contains("hoptrail_proxy_"), "the proxy is off");
    assert!(text.contains("hoptrail_build_info{version=\"") && text.ends_with("# EOF\n"), "{text}");
}
