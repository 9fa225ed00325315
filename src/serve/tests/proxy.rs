//! Sessions, figures and health of the proxy.

use super::*;
use crate::live::{Backlog, Refused, SessionFigures, SessionStats};
use crate::model::api::{Health, SessionState, SessionView, SessionsReport};
use crate::model::{Session, Side};
use crate::record::Stats;
use crate::serve::http::requests::Requests;
use crate::serve::operate::health::ready;
use crate::serve::operate::metrics::page;

/// A session of client `number`, since the epoch.
fn session(number: u16, service: &str, user: &str, vhost: &str) -> SessionView {
    let address = format!("10.0.0.7:{number}");
    SessionView {
        connection: format!("{address} -> 127.0.0.1:5673").into(),
        address,
        service: Some(service.into()),
        user: Some(user.into()),
        vhost: Some(vhost.into()),
        state: SessionState::Running,
        ..SessionView::default()
    }
}

/// A stage whose proxy is on and has these sessions.
fn connected(sessions: Vec<SessionView>) -> Stage {
    let stage = Stage::over(Filled::new(vec![]), &[("proxy.enabled", "true")]);
    let registry = &stage.handles.live.sessions;
    for (id, view) in (1..).zip(sessions) {
        registry.opened(id, view.address, view.connection, view.tls, Timestamp::default());
        let session = Session { user: view.user, client_name: view.client_name, ..Session::default() };
        let figures = SessionFigures {
            session,
            service: view.service,
            vhost: view.vhost,
            state: view.state,
            ..SessionFigures::default()
        };
        registry.update(id, figures, Timestamp::default());
    }
    stage
}

fn proxy() -> SessionStats {
    SessionStats {
        enabled: true,
        live: 3,
        opened: 5,
        closed: 2,
        refused: vec![(Refused::Guest, 4), (Refused::TooMany, 0)],
        bytes: vec![(Side::Client, 10), (Side::Broker, 20)],
        dropped: vec![(Kind::Publish, 6), (Kind::Topology, 1)],
        unobserved_bytes: 1000,
        last_loss_at: Some(Timestamp::from_micros(1_000_000)),
        backlog: Backlog { now: 15, peak: 99, max: 1024 },
        unconfirmed: 11,
        unsettled: 12,
        oldest_unsettled_at: None,
    }
}

#[tokio::test]
async fn sessions_are_listed_filtered_and_counted() {
    let stage = connected(vec![
        session(1, "CRM", "crm", "/"),
        session(2, "MES", "mes", "/"),
        session(3, "CRM", "crm", "test"),
        SessionView { address: "10.0.0.8:4".into(), ..SessionView::default() },
    ]);
    let cases = [
        ("", vec!["10.0.0.7:1", "10.0.0.7:2", "10.0.0.7:3", "10.0.0.8:4"], 4),
        ("?service=CRM", vec!["10.0.0.7:1", "10.0.0.7:3"], 2),
        ("?user=mes", vec!["10.0.0.7:2"], 1),
        ("?vhost=%2F&service=CRM", vec!["10.0.0.7:1"], 1),
        ("?service=", vec![], 0),
        ("?limit=1&service=CRM", vec!["10.0.0.7:1"], 2),
    ];
    for (query, expected, total) in cases {
        let report: SessionsReport = get(&stage, &format!("/api/v1/sessions{query}")).await.json();
        let found: Vec<_> = report.sessions.iter().map(|session| session.address.as_str()).collect();
        assert_eq!((found, report.total, report.enabled), (expected, total, true), "{query}");
    }
}

#[tokio::test]
async fn sessions_are_exported_as_lines_and_as_a_table() {
    let odd = SessionView { client_name: Some("=1+1".into()), ..session(1, "CRM", "a,b", "/") };
    let stage = connected(vec![odd.clone(), session(2, "MES", "mes", "/")]);
    let lines = get(&stage, "/api/v1/sessions?format=ndjson").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let found: Vec<SessionView> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((found.len(), &found[0]), (2, &odd));
    let table = get(&stage, "/api/v1/sessions?format=csv&limit=1").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    let rows: Vec<_> = table.body.lines().collect();
    assert!(
        rows[0].starts_with("connection,address,broker_connection,tls,since,state,service,user,client_name,vhost,")
    );
    let row = "10.0.0.7:1 -> 127.0.0.1:5673,10.0.0.7:1,,false,1970-01-01T00:00:00.000000Z,running,CRM,\"a,b\",'=1+1,/,0,0,0,0,0,0,0,0,0,,,";
    assert_eq!(rows[1..], [row]);
}

#[tokio::test]
async fn figures_of_the_proxy_are_metrics_while_it_is_on() {
    let standing = Standing { proxy: proxy(), ..Standing::default() };
    let readings = Readings { standing, ..Readings::default() };
    let text = read(page(&readings, &Requests::default())).await.body;
    for line in [
        "hoptrail_proxy_sessions 3",
        "hoptrail_proxy_sessions_opened_total 5",
        "hoptrail_proxy_sessions_closed_total 2",
        "hoptrail_proxy_sessions_refused_total{reason=\"guest\"} 4",
        "hoptrail_proxy_sessions_refused_total{reason=\"too_many\"} 0",
        "hoptrail_proxy_bytes_total{direction=\"from_client\"} 10",
        "hoptrail_proxy_bytes_total{direction=\"from_broker\"} 20",
        "hoptrail_recorder_dropped_total 7",
        "hoptrail_proxy_observations_dropped_total{kind=\"publish\"} 6",
        "hoptrail_proxy_observations_dropped_total{kind=\"settle\"} 0",
        "hoptrail_proxy_observations_dropped_total{kind=\"topology\"} 1",
        "hoptrail_proxy_unobserved_bytes_total 1000",
        "hoptrail_proxy_backlog_bytes 15",
        "hoptrail_proxy_backlog_peak_bytes 99",
        "hoptrail_proxy_backlog_limit_bytes 1024",
        "hoptrail_proxy_unconfirmed 11",
        "hoptrail_proxy_unsettled 12",
        "hoptrail_proxy_oldest_unsettled_seconds 0",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
    }
    let families: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let mut names: Vec<_> = families.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a metric has two types: {names:?}");
}

#[tokio::test]
async fn what_the_proxy_could_not_record_is_told_and_clients_are_not_cut_off_for_it() {
    let stats = Stats { queue_len_max: 10, ..Stats::default() };
    let standing = Standing { stats, proxy: proxy(), ..Standing::default() };
    let answer = read(ready(&standing, true)).await;
    assert_eq!(answer.status, 200);
    let checks = answer.json::<Health>().checks;
    let check = checks.iter().find(|check| check.name == "proxy").expect("a check");
    assert!(check.ok && check.detail.contains("3 sessions; 15 of 1024 bytes"), "{}", check.detail);
    assert!(check.detail.contains("7 observations, and what was in 1000 bytes; the last at 1970-01-01T00:00:01"));
}
