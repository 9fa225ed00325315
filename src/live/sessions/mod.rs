//! The clients that are connected through the proxy, and the proxy's counters. The capture writes them; sessions and
//! metrics show them.
//!
//! Owns the table of live sessions, their rates, and the counters. Takes texts as they are: the capture has them masked
//! before. Its lock is held for as long as it takes to write a row, or to copy the rows.

mod counts;
mod rate;
mod registry;
mod row;

pub use counts::{Backlog, Refused, SessionStats};
pub use registry::Sessions;
pub use row::SessionFigures;

#[cfg(test)]
mod tests;
