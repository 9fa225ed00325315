//! The routes, answered from a list of events.

mod errors;
mod fake;
mod proxy;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::model::{Event, Kind, Seq, Source, Timestamp};

use super::routes::router_over;

pub(super) use fake::Fake;

/// An event observed `seq` seconds after the epoch.
pub(super) fn event(kind: Kind, seq: u64) -> Event {
    let at = Timestamp::from_micros(i64::try_from(seq).unwrap() * 1_000_000);
    Event { seq: Seq(seq), ..Event::new(kind, Source::Binding, at) }
}

/// An answer, read whole.
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

async fn call(facts: &Arc<Fake>, request: Request<Body>) -> Answer {
    let response = router_over(facts.clone(), TIMEOUT).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(facts: &Arc<Fake>, uri: &str) -> Answer {
    call(facts, Request::get(uri).body(Body::empty()).unwrap()).await
}
