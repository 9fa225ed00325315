//! Integration tests: the real program against real brokers.
//!
//! `HOPTRAIL_TEST_BROKERS` names the releases of RabbitMQ to test with, such as `3.10,4.0`; by default 3.10 alone. Each
//! test that takes a broker runs once with each. `scripts/broker install` has to have installed them.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should; its clock is the real one"
)]

mod alerts;
mod answers;
mod bad_input;
mod crashes;
mod disks;
mod fields;
mod firehose;
mod kills;
mod masking;
mod order_ids;
mod own_traffic;
mod proxy;
mod proxy_beside;
mod proxy_dead_letters;
mod proxy_drain;
mod proxy_faults;
mod proxy_full;
mod proxy_login;
mod proxy_tls;
mod questions;
mod stopping;
mod streams;
mod tap_tls;
mod topology;
mod unreadable;
mod witness;

mod support;
