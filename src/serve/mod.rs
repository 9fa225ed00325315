//! The HTTP server: the API, health and metrics.
//!
//! The only module that names axum. `http` is the transport: connections, the bounds of a request, how parameters are read
//! and answers written; it names no resource. `api` has a file for each resource, `operate` has health and metrics. Every
//! answer comes from [`crate::query`], and every call of it runs on one of a bounded number of blocking threads. Knows no
//! broker and no journal.

mod api;
mod desk;
mod http;
mod operate;
mod routes;

#[cfg(test)]
mod tests;

pub use http::serve;
pub use routes::router;
