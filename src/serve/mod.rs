//! The HTTP server: the API, health and metrics.
//!
//! The only module that names axum. It owns how a question is read (`query`, `moment`, `cursor`), the bounds of an
//! answer (`search`, `dead_letters`, `statistics`), its form (`reply`, `export`, `problem`), and the connections (`listen`,
//! `connection`). It knows no broker and no sled: everything it tells comes through [`Facts`](facts::Facts), and every
//! call that may read the disk runs on a bounded number of blocking threads.

mod connection;
mod coverage;
mod cursor;
mod damage;
mod dead_letters;
mod events;
mod export;
mod facts;
mod filter;
mod guard;
mod health;
mod listen;
mod metrics;
mod moment;
mod problem;
mod query;
mod reply;
mod reports;
mod requests;
mod routes;
mod search;
mod sessions;
mod statistics;
mod trails;

#[cfg(test)]
mod tests;

pub use facts::Services;
pub use listen::serve;
pub use routes::router;
