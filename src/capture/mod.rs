//! Captures: they observe the broker and hand observations to `record`.
//!
//! Knows how observations are gained. Does not know the journal, trails, or HTTP to users.

pub mod proxy;
pub mod tap;
