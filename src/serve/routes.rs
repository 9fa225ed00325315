//! Which handler answers which path, and what stands before all of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use super::facts::{Facts, Services};
use super::problem::Refusal;
use super::reply::Desk;
use super::{coverage, dead_letters, events, guard, health, metrics, reports, requests, sessions, statistics, trails};

/// All routes, answered from `services`.
pub fn router(services: Services) -> Router {
    let timeout = services.request_timeout;
    router_over(Arc::new(services), timeout)
}

/// The same, from any facts.
pub(super) fn router_over(facts: Arc<dyn Facts>, request_timeout: Duration) -> Router {
    let desk = Desk::new(facts, request_timeout);
    let api = Router::new()
        .route("/api/v1/orders/{order_id}", get(trails::order))
        .route("/api/v1/messages/{message_id}", get(trails::message))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/events/{seq}", get(events::one))
        .route("/api/v1/stalled", get(reports::stalled))
        .route("/api/v1/dead-letters", get(dead_letters::report))
        .route("/api/v1/statistics", get(statistics::report))
        .route("/api/v1/sessions", get(sessions::report))
        .route("/api/v1/alerts", get(reports::alerts))
        .route("/api/v1/coverage", get(coverage::report))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::scrape))
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed);
    // The last layer is the outermost: requests are counted whatever becomes of them, a panic included.
    api.layer(from_fn_with_state(desk.clone(), guard::within_time))
        .layer(from_fn(guard::small_requests))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(guard::headers))
        .layer(from_fn_with_state(desk.clone(), requests::count))
        .with_state(desk)
}

async fn unknown_route(request: Request) -> Refusal {
    Refusal::UnknownRoute(request.uri().path().to_owned())
}

async fn method_not_allowed(request: Request) -> Refusal {
    Refusal::MethodNotAllowed(request.method().to_string())
}
