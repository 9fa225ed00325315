//! What several test programs and the fuzzers share. It names nothing of hoptrail, so that no test waits for it.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

mod methods;
mod rng;
pub mod script;

pub use methods::METHODS;
pub use rng::Rng;
