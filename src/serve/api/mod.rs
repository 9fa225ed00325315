//! The API below `/api/v1`: a file for each resource, with its paths, its handlers and its router.

mod alerts;
mod coverage;
mod dead_letters;
mod events;
mod sessions;
mod stalled;
mod statistics;
mod trails;

use axum::Router;

use super::desk::Desk;

/// Every resource.
pub(super) fn router() -> Router<Desk> {
    Router::new()
        .merge(trails::router())
        .merge(events::router())
        .merge(stalled::router())
        .merge(dead_letters::router())
        .merge(statistics::router())
        .merge(sessions::router())
        .merge(alerts::router())
        .merge(coverage::router())
}
