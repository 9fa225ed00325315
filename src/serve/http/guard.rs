//! The layers before every handler: the bounds of a request, its time, and the answer when a handler panics.

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::problem::{BODY_BYTES_MAX, Refusal, URI_BYTES_MAX};

/// Refuses requests that are larger than a question can be.
pub(in crate::serve) async fn small_requests(request: Request, next: Next) -> axum::response::Response {
    let uri_len = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri_len > URI_BYTES_MAX {
        return Refusal::UriTooLong(uri_len).into_response();
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > BODY_BYTES_MAX) {
        return Refusal::BodyTooLarge.into_response();
    }
    next.run(request).await
}

/// Stops waiting for a handler when its time is over.
pub(in crate::serve) async fn within_time(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::Timeout(humantime::format_duration(timeout).to_string()).into_response(),
    }
}

/// Answers are not cached, and their media type is not guessed.
pub(in crate::serve) async fn headers(request: Request, next: Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The answer in place of one whose handler panicked.
pub(in crate::serve) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(panic = text, "answering a request failed");
    Refusal::Internal.into_response()
}
