//! Errors as problem documents (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::api::Problem;

/// The longest URL: three ids of 1024 bytes, each byte percent-encoded, and the short parameters beside them.
pub(in crate::serve) const URI_BYTES_MAX: usize = 16 * 1024;
/// The largest body. Every request is a GET; a client that sends a body by habit sends a small one. No handler reads
/// it.
pub(in crate::serve) const BODY_BYTES_MAX: u64 = 16 * 1024;

/// The reason why a request has no answer. Every answer that is not a success is made from one of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::serve) enum Refusal {
    /// A parameter is unknown, malformed, or contradicts another.
    #[error("{0}")]
    BadQuery(String),
    /// The cursor cannot continue this search.
    #[error("{0}")]
    BadCursor(String),
    /// The text in the path cannot be an id.
    #[error("{0}")]
    BadId(String),
    /// The order, message or event is not known.
    #[error("{0}")]
    NotFound(String),
    /// No route has this path.
    #[error("there is nothing at {0}; the API begins at /api/v1, and docs/api.md describes it")]
    UnknownRoute(String),
    /// The route takes other methods.
    #[error("{0} is not possible here: hoptrail only answers GET and HEAD")]
    MethodNotAllowed(String),
    /// The URL is longer than any question.
    #[error("the URL has {0} bytes; at most {max} are read", max = URI_BYTES_MAX)]
    UriTooLong(usize),
    /// The request carries a body.
    #[error("the request's body is larger than {max} bytes; requests need none", max = BODY_BYTES_MAX)]
    BodyTooLarge,
    /// The answer took too long.
    #[error("the answer took longer than {0}; narrow the question, for example with from and to")]
    Timeout(String),
    /// Checks of readiness fail.
    #[error("{0}")]
    NotReady(String),
    /// The journal cannot be read.
    #[error("the journal could not be read: {0}")]
    Unreadable(String),
    /// A defect of hoptrail.
    #[error("hoptrail failed on this request; its log has the cause")]
    Internal,
}

impl Refusal {
    /// Status, stable code and title.
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Refusal::BadQuery(_) => (StatusCode::BAD_REQUEST, "bad-query", "The query is wrong"),
            Refusal::BadCursor(_) => (StatusCode::BAD_REQUEST, "bad-cursor", "The cursor is wrong"),
            Refusal::BadId(_) => (StatusCode::BAD_REQUEST, "bad-id", "The id is wrong"),
            Refusal::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "Nothing found"),
            Refusal::UnknownRoute(_) => (StatusCode::NOT_FOUND, "unknown-route", "No such route"),
            Refusal::MethodNotAllowed(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed")
            }
            Refusal::UriTooLong(_) => (StatusCode::URI_TOO_LONG, "uri-too-long", "The URL is too long"),
            Refusal::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Refusal::Timeout(_) => (StatusCode::GATEWAY_TIMEOUT, "timeout", "The answer took too long"),
            Refusal::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "hoptrail is not ready"),
            Refusal::Unreadable(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "journal-unreadable", "The journal cannot be read")
            }
            Refusal::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "hoptrail failed"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, title) = self.class();
        if let Refusal::Unreadable(error) = &self {
            tracing::error!(error, "a question could not be answered from the journal");
        }
        let problem = Problem {
            type_: format!("/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
