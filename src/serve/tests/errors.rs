//! Every answer that is not a success is a problem document.

use axum::extract::State;

use super::*;
use crate::model::api::Problem;
use crate::serve::desk::Desk;
use crate::serve::routes::guarded;

/// Checks status, form and code, and gives the detail.
fn problem(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let problem: Problem = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((problem.status, problem.type_.as_str()), (status, format!("/problems/{code}").as_str()));
    assert!(!problem.title.is_empty());
    problem.detail
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let stage = Stage::new(vec![]);
    for path in ["/", "/api/v1/", "/api/v1/orders", "/api/v1/orders/", "/api/v1/orders/a/b", "/api/v2/events"] {
        let detail = problem(&get(&stage, path).await, 404, "unknown-route");
        assert!(detail.contains(path), "{detail}");
    }
}

#[tokio::test]
async fn another_method_is_a_problem() {
    let stage = Stage::new(vec![]);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/api/v1/events").body(Body::empty()).unwrap();
        let answer = call(&stage, request).await;
        assert!(problem(&answer, 405, "method-not-allowed").starts_with(method));
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
}

#[tokio::test]
async fn a_wrong_query_is_a_problem_on_every_route() {
    let stage = Stage::new(vec![event(Kind::Publish, 1)]);
    let routes = [
        "orders/A",
        "messages/m",
        "events",
        "events/1",
        "stalled",
        "dead-letters",
        "statistics",
        "sessions",
        "alerts",
        "coverage",
    ];
    for route in routes {
        let detail = problem(&get(&stage, &format!("/api/v1/{route}?nonsense=1")).await, 400, "bad-query");
        assert!(detail.starts_with("\"nonsense\" is not a parameter of this route; it knows "), "{detail}");
    }
    problem(&get(&stage, "/readyz?nonsense").await, 400, "bad-query");
}

#[tokio::test]
async fn a_wrong_value_is_a_problem_that_names_its_parameter() {
    let stage = Stage::new(vec![]);
    let wrong = [
        ("events?kind=publsh", "kind: \"publsh\" is not one of publish, "),
        ("events?source=broker", "source: \"broker\" is not one of binding, "),
        ("events?order=up", "order: \"up\" is not one of desc, asc"),
        ("events?format=xml", "format: \"xml\" is not one of json, ndjson, csv"),
        ("events?limit=1001", "limit: 1001 is not between 1 and 1000"),
        ("events?format=csv&limit=10001", "limit: 10001 is not between 1 and 10000"),
        ("events?from=soon", "from: \"soon\" is not a moment"),
        ("events?from=now&to=now-1s", "from ("),
        ("dead-letters?group_by=day", "group_by: \"day\" is not one of queue, reason, exchange, service"),
        ("statistics?group_by=week", "group_by: \"week\" is not one of day, kind, service, queue"),
        ("dead-letters?to=x", "to: \"x\" is not a moment"),
        ("stalled?what=carts", "what: \"carts\" is not one of messages, orders"),
        ("stalled?status=A&step=A", "step is another name for status"),
        ("stalled?limit=0", "limit: 0 is not between 1 and 1000"),
        ("sessions?limit=1001", "limit: 1001 is not between 1 and 1000"),
        ("sessions?format=csv&limit=10001", "limit: 10001 is not between 1 and 10000"),
        ("sessions?format=xml", "format: \"xml\" is not one of json, ndjson, csv"),
    ];
    for (query, expected) in wrong {
        let detail = problem(&get(&stage, &format!("/api/v1/{query}")).await, 400, "bad-query");
        assert!(detail.starts_with(expected), "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_wrong_cursor_is_a_problem() {
    let stage = Stage::new((1..=3).map(|seq| event(Kind::Publish, seq)).collect());
    let page: crate::model::api::EventsPage = get(&stage, "/api/v1/events?limit=1&kind=publish").await.json();
    let cursor = page.next_cursor.unwrap();
    let wrong = [
        ("cursor=nonsense".to_owned(), "is not one that hoptrail gave out"),
        (format!("kind=deliver&cursor={cursor}"), "belongs to another search"),
        (format!("kind=publish&order=asc&cursor={cursor}"), "belongs to another search"),
    ];
    for (query, expected) in wrong {
        let detail = problem(&get(&stage, &format!("/api/v1/events?{query}")).await, 400, "bad-cursor");
        assert!(detail.contains(expected), "{detail}");
    }
}

#[tokio::test]
async fn a_wrong_id_is_a_problem() {
    let stage = Stage::new(vec![]);
    let long = "x".repeat(1025);
    for path in [format!("orders/{long}"), format!("messages/{long}"), "orders/%ff".into(), "events/first".into()] {
        problem(&get(&stage, &format!("/api/v1/{path}")).await, 400, "bad-id");
    }
}

#[tokio::test]
async fn what_was_not_recorded_is_a_problem() {
    let stage = Stage::new(vec![event(Kind::Publish, 1)]);
    let detail = problem(&get(&stage, "/api/v1/orders/%1B%5B2J%E2%80%AE").await, 404, "not-found");
    assert!(detail.starts_with("no event of order \"\\u{1b}[2J\\u{202e}\" was recorded"), "{detail}");
    problem(&get(&stage, "/api/v1/messages/m").await, 404, "not-found");
    let detail = problem(&get(&stage, "/api/v1/events/2").await, 404, "not-found");
    assert_eq!(detail, "event 2 is not in the journal: it holds 1 to 1");
}

#[tokio::test]
async fn a_url_or_body_beyond_its_bound_is_a_problem() {
    let stage = Stage::new(vec![]);
    let long = format!("/api/v1/events?queue={}", "q".repeat(17_000));
    problem(&get(&stage, &long).await, 414, "uri-too-long");
    let request = Request::get("/livez").header("content-length", "20000").body(Body::empty()).unwrap();
    problem(&call(&stage, request).await, 413, "body-too-large");
}

/// Three events, each of a day of its own; the block of the second is damaged.
fn damaged(kind: Kind) -> Stage {
    let mut journal = Filled::new(vec![]);
    for day in 1..=3 {
        journal.push(Event { at: Timestamp::start_of_day(day), ..event(kind, 0) });
    }
    journal.damage(2);
    Stage::over(journal, &[])
}

#[tokio::test]
async fn a_damaged_journal_is_a_problem() {
    let stage = damaged(Kind::Gap);
    let detail = problem(&get(&stage, "/api/v1/events/2").await, 500, "journal-unreadable");
    assert!(detail.contains("the block at seq 2 is damaged"), "{detail}");
    std::fs::write(stage.journal().join("removed"), "no directory").unwrap();
    let detail = problem(&get(&stage, "/api/v1/statistics").await, 500, "journal-unreadable");
    assert!(detail.contains("removed"), "{detail}");
}

#[tokio::test]
async fn what_is_not_damaged_is_answered_with_a_warning() {
    let stage = damaged(Kind::DeadLetter);
    for path in ["events?limit=10", "events?kind=dead_letter", "events?format=csv", "dead-letters", "coverage"] {
        let answer = get(&stage, &format!("/api/v1/{path}")).await;
        let warned = answer.header("hoptrail-warning").starts_with("1 damaged parts");
        assert_eq!((answer.status.as_u16(), warned), (200, path != "coverage"), "{path}");
    }
    let page: crate::model::api::EventsPage = get(&stage, "/api/v1/events").await.json();
    assert_eq!(page.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [3, 1]);
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_next_request_is_answered() {
    let stage = Stage::new(vec![]);
    let panics = async |State(desk): State<Desk>| desk.ask::<(), _>(|_| panic!("the engine is broken")).await;
    let routes = crate::serve::operate::router().route("/panics", axum::routing::get(panics));
    let router = guarded(routes, Desk::new(stage.handles.clone()), TIMEOUT);
    let ask = |uri: &str| router.clone().oneshot(Request::get(uri).body(Body::empty()).unwrap());
    problem(&read(ask("/panics").await.unwrap()).await, 500, "internal");
    assert_eq!(ask("/livez").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_handler_that_panics_itself_is_a_problem() {
    let router: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(async || -> &'static str { panic!("broken") }))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(crate::serve::http::guard::panicked));
    let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_problem() {
    let router: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(std::future::pending::<&'static str>))
        .layer(axum::middleware::from_fn_with_state(TIMEOUT, crate::serve::http::guard::within_time));
    let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}
