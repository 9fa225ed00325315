//! Figures of the requests themselves.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::clock;

/// Upper bounds in seconds, from an answer out of memory to the longest search.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
/// Stands for every path that no route has, so that a scanner cannot make labels.
const NO_ROUTE: &str = "none";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Counts and times by route. Clones share the figures.
#[derive(Clone)]
pub(in crate::serve) struct Requests {
    total: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        Requests { total: Family::default(), seconds: Family::new_with_constructor(histogram) }
    }
}

impl Requests {
    /// Adds the figures to a scrape.
    pub(in crate::serve) fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests answered", self.total.clone());
        registry.register("http_request_seconds", "Time to the answer's head", self.seconds.clone());
    }
}

/// Counts a request by the route that took it, never by its path.
pub(in crate::serve) async fn count(State(figures): State<Requests>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let begun = clock::instant();
    let response = next.run(request).await;
    figures.seconds.get_or_create(&Route { route: route.clone() }).observe(begun.elapsed().as_secs_f64());
    figures.total.get_or_create(&Answered { route, status: response.status().as_u16() }).inc();
    response
}
