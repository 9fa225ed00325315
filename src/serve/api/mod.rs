//! The API below `/api/v1`: a file for each resource, with its paths, its handlers and its router.

mod alerts;
mod answer;
mod coverage;
mod dead_letters;
mod events;
mod router;
mod sessions;
mod stalled;
mod statistics;
mod trails;

pub(super) use router::router;
