//! Transport: connections and their bounds, the reading of parameters, the form of an answer.
//!
//! It names no resource, and knows neither questions nor the rooms that answer them.

mod connection;
mod listen;

pub(super) mod export;
pub(super) mod guard;
pub(super) mod parameters;
pub(super) mod problem;
pub(super) mod reply;
pub(super) mod requests;

pub use listen::serve;
