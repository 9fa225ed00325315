//! Health and metrics, for operators.

pub(super) mod health;
pub(super) mod metrics;

mod router;

pub(super) use router::router;
