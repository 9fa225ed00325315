//! All routes in one, behind the layers that guard them.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use crate::query::Handles;

use super::desk::Desk;
use super::http::problem::Refusal;
use super::http::{guard, requests};
use super::{api, operate};

/// All routes, answered from `handles`, each within `request_timeout`.
pub fn router(handles: Handles, request_timeout: Duration) -> Router {
    guarded(api::router().merge(operate::router()), Desk::new(handles), request_timeout)
}

/// Routes behind the layers that guard them.
pub(super) fn guarded(routes: Router<Desk>, desk: Desk, request_timeout: Duration) -> Router {
    let routes = routes.fallback(unknown_route).method_not_allowed_fallback(method_not_allowed);
    // The last layer is the outermost. It counts every request, even a request that ends in a panic.
    routes
        .layer(from_fn_with_state(request_timeout, guard::within_time))
        .layer(from_fn(guard::small_requests))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(guard::headers))
        .layer(from_fn_with_state(desk.requests.clone(), requests::count))
        .with_state(desk)
}

async fn unknown_route(request: Request) -> Refusal {
    Refusal::UnknownRoute(request.uri().path().to_owned())
}

async fn method_not_allowed(request: Request) -> Refusal {
    Refusal::MethodNotAllowed(request.method().to_string())
}
