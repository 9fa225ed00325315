//! Captures: what observes the broker and hands observations to `record`.
//!
//! Knows how observations are gained, not what becomes of them: no journal, no trail, no HTTP to users.

pub mod proxy;
pub mod tap;
