//! For those who operate hoptrail: health and metrics.

pub(super) mod health;
pub(super) mod metrics;

mod router;

pub(super) use router::router;
