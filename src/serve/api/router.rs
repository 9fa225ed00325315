//! All resources in one router.

use axum::Router;

use crate::serve::desk::Desk;

use super::{alerts, coverage, dead_letters, events, sessions, stalled, statistics, trails};

/// Every resource.
pub(in crate::serve) fn router() -> Router<Desk> {
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
