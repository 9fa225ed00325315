//! The HTTP server: the API, health and metrics.
//!
//! The only module that names axum. `http` is the transport: connections, the bounds of a request, how a question is read
//! and an answer written. `api` has a file for each resource, `operate` health and metrics. It knows no broker and no
//! sled: everything it tells comes through [`Facts`](facts::Facts), and every call that may read the disk runs on a
//! bounded number of blocking threads.

mod api;
mod cursor;
mod damage;
mod desk;
mod facts;
mod filter;
mod http;
mod moment;
mod operate;
mod routes;
mod search;

#[cfg(test)]
mod tests;

pub use facts::Services;
pub use http::serve;
pub use routes::router;
