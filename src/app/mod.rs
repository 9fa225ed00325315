//! Wiring: bind and open everything, then start it; stop it in order, and say what did not stop.
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
