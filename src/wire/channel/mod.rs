//! One channel: what its methods and contents say, in both directions.
//!
//! Owns what a channel remembers: its state, in [`state`]. Each other file adds what it says to one part of it. Events
//! go out through a [`Telling`](super::telling::Telling), in the order in which they happened.

mod contents;
mod deliveries;
mod end;
mod methods;
mod publishes;
mod state;
mod transactions;

pub(super) use state::Channel;
