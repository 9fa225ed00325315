//! The observer against conversations whose true events are known, and against bytes that nobody should send.
//!
//! [`talk`] plays random, legal conversations of a client and a broker, with the list of what happened in them; [`chop`]
//! cuts their bytes into pieces; [`model`] holds what is observed against the list.
//!
//! A failure prints its seed: `HOPTRAIL_SEED=… cargo test --test wire` plays it alone and lists its frames.
//! `HOPTRAIL_WIRE_TALKS` sets how many conversations are played.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod chop;
mod frames;
mod message;
mod model;
#[path = "../power/rng.rs"]
mod rng;
mod talk;
mod truth;
