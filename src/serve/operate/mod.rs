//! For those who operate hoptrail: health and metrics.

mod health;
mod metrics;

use axum::Router;

use super::desk::Desk;

/// `/livez`, `/readyz` and `/metrics`.
pub(super) fn router() -> Router<Desk> {
    health::router().merge(metrics::router())
}
