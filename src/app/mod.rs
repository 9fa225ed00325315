//! Wiring: bind and open everything, then start it; stop it in order, and say what did not stop.
//!
//! The only module that starts tasks at the top level. Owns nothing of its own.

mod check;
mod journal;
mod logging;
mod run;
mod shutdown;

pub use check::check;
pub use journal::journal;
pub use logging::start as start_logging;
pub use run::{App, run};
