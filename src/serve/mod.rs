//! The HTTP server: the API, health and metrics.
//!
//! It is the only module that names axum. `http` is the transport: connections, the bounds of a request, the reading of
//! parameters and the writing of answers. `http` names no resource. `api` has a file for each resource; `operate` has
//! health and metrics. Every answer comes from [`crate::query`], and each call runs on one of a bounded number of
//! blocking threads. The room knows no broker and no journal.

mod api;
mod desk;
mod http;
mod operate;
mod routes;

#[cfg(test)]
mod tests;

pub use http::serve;
pub use routes::router;
