//! The routes, answered from a journal in a directory of its own.

mod errors;
mod proxy;
mod routes;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::model::{Event, Kind, Timestamp};
use crate::query::tests::{Filled, Stage, event};
use crate::query::{Readings, Standing};

use super::routes::router;

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

const TIMEOUT: Duration = Duration::from_secs(30);

async fn call(stage: &Stage, request: Request<Body>) -> Answer {
    read(router(stage.handles.clone(), TIMEOUT).oneshot(request).await.unwrap()).await
}

async fn get(stage: &Stage, uri: &str) -> Answer {
    call(stage, Request::get(uri).body(Body::empty()).unwrap()).await
}

async fn read(response: impl IntoResponse) -> Answer {
    let (parts, body) = response.into_response().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}
