//! Health and metrics in one router.

use axum::Router;

use crate::serve::desk::Desk;

use super::{health, metrics};

/// `/livez`, `/readyz` and `/metrics`.
pub(in crate::serve) fn router() -> Router<Desk> {
    health::router().merge(metrics::router())
}
