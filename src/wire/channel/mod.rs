//! One channel: the meaning of its methods and contents, in both directions.
//!
//! Owns the memory of a channel: its state, in [`state`]. Each other file handles one part of that state. Events go out
//! through a [`Telling`](super::telling::Telling), in the order in which they happened.

mod contents;
mod deliveries;
mod end;
mod methods;
mod publishes;
mod state;
mod transactions;

pub(super) use state::Channel;
