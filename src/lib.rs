//! hoptrail, the flight recorder for RabbitMQ.
//!
//! The modules in the order an event passes through them. `docs/architecture.md` is the page to read first;
//! `tests/layers.rs` holds the code to its table of who may use whom.

pub mod clock;
pub mod config;
pub mod journal;
pub mod model;
