//! Wiring: bind and open everything, then start it. Stop it in order, and name everything that does not stop.
//!
//! The only module that starts tasks at the top level. Owns nothing of its own.

mod check;
mod open;
mod start;
mod stop;

pub use check::check;
pub use open::App;
pub use start::run;
pub use stop::Running;
