//! Questions to answers: what every front of hoptrail (API, command line, pages) tells, without HTTP.
//!
//! A question comes as it was asked ([`crate::question`]), is read into what it means, and is answered from the
//! [`Handles`]. Owns the bounds of every answer: how many items, how much work, how much damage it leaves out. A question
//! that means nothing is a [`BadQuestion`], a journal that cannot be read is [`Unreadable`]. Every call may read the disk
//! and block. Knows no HTTP and no broker.

mod budget;
mod coverage;
mod cursor;
mod damage;
mod dead_letters;
mod error;
mod events;
mod filter;
mod handles;
mod moment;
mod period;
mod read;
mod search;
mod sessions;
mod stalled;
mod standing;
mod statistics;
mod trails;

pub use coverage::coverage;
pub use damage::{Answer, Damage};
pub use dead_letters::DeadLetters;
pub use error::{BadQuestion, Unreadable};
pub use events::{Looked, event};
pub use handles::Handles;
pub use search::Search;
pub use sessions::Sessions;
pub use stalled::Stalled;
pub use standing::{Readings, Standing};
pub use statistics::Statistics;
pub use trails::{check_id, message, order};

#[cfg(test)]
pub(crate) mod tests;
