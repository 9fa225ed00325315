//! Transport: connections and their bounds, how a question is read, the form of an answer.

mod connection;
mod listen;

pub(super) mod export;
pub(super) mod guard;
pub(super) mod parameters;
pub(super) mod problem;
pub(super) mod reply;
pub(super) mod requests;

pub use listen::serve;
