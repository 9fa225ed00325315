//! Wiring: it binds and opens everything, and then starts it. It stops everything in order, and names every part that
//! does not stop.
//!
//! It is the only module that starts tasks at the top level. It owns nothing of its own.

mod check;
mod open;
mod start;
mod stop;

pub use check::check;
pub use open::App;
pub use start::run;
pub use stop::Running;
