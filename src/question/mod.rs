//! Questions as text: from a URL or from the command line.
//!
//! Owns the names of all parameters: a struct for each question, with a field for each parameter. The documentation of
//! the fields is the help of the command line. Their values are unchecked text; `query` knows the meaning of each and
//! refuses wrong ones. Knows no answer.

mod events;
mod format;
mod limit;
mod pairs;
mod reports;

pub use events::Events;
pub use format::{Format, Order};
pub use limit::LIMIT_DEFAULT;
pub use pairs::pairs;
pub use reports::{DeadLetters, Sessions, Stalled, Statistics};
