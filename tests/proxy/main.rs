//! The proxy, through the real program: real clients, real brokers, and peers of the tests' own that behave badly.
//!
//! `HOPTRAIL_TEST_BROKERS` names the releases of RabbitMQ to test with, as for `tests/it`; `scripts/clients` has to have
//! installed the clients.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should; its clock is the real one"
)]

mod channels;
mod conversations;
mod ends;
mod frames;
mod mistakes;
mod pressure;

mod amqp;
mod lapin;
mod pipe;
mod proxied;
mod stage;
mod talk;
mod transcript;

#[allow(dead_code, unused_imports, reason = "shared with tests/it, which needs more of it")]
#[path = "../it/support/mod.rs"]
mod support;
