//! Answers: JSON, and bodies of other media types.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Refusal;
use crate::model::api::WARNING_HEADER;

const WARNING: HeaderName = HeaderName::from_static(WARNING_HEADER);

/// A view as JSON.
pub(in crate::serve) fn json<T: Serialize>(view: &T) -> Response {
    json_with(StatusCode::OK, view)
}

/// A view as JSON, with a status of its own.
pub(in crate::serve) fn json_with<T: Serialize>(status: StatusCode, view: &T) -> Response {
    match serde_json::to_vec(view) {
        Ok(body) => with_type(status, "application/json", body),
        Err(error) => {
            tracing::error!(%error, "a view could not be written as JSON");
            Refusal::Internal.into_response()
        }
    }
}

/// A body of some media type.
pub(in crate::serve) fn with_type(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, media_type)], body.into()).into_response()
}

/// The answer with a warning.
pub(in crate::serve) fn warn(mut response: Response, warning: &str) -> Response {
    response.headers_mut().extend(HeaderValue::try_from(warning).map(|text| (WARNING, text)));
    response
}
