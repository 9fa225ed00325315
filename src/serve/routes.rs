//! All routes in one, and what stands before them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use super::desk::Desk;
use super::facts::{Facts, Services};
use super::http::{guard, requests};
use super::{api, operate};
use crate::serve::http::problem::Refusal;

/// All routes, answered from `services`.
pub fn router(services: Services) -> Router {
    let timeout = services.request_timeout;
    router_over(Arc::new(services), timeout)
}

/// The same, from any facts.
pub(super) fn router_over(facts: Arc<dyn Facts>, request_timeout: Duration) -> Router {
    let desk = Desk::new(facts, request_timeout);
    let routes =
        api::router().merge(operate::router()).fallback(unknown_route).method_not_allowed_fallback(method_not_allowed);
    // The last layer is the outermost: requests are counted whatever becomes of them, a panic included.
    routes
        .layer(from_fn_with_state(desk.clone(), guard::within_time))
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
