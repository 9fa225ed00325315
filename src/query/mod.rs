//! Questions and their answers, without HTTP.
//!
//! A question arrives as text ([`crate::question`]). This room reads its meaning and answers it from the [`Handles`]. It
//! owns the bounds of every answer: the number of items, the work, the damage that is left out. A question that has no
//! meaning is a [`BadQuestion`]. A journal that cannot be read is [`Unreadable`]. Every answer may read the disk and
//! block. The room knows no HTTP and no broker.

mod alerts;
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

pub use alerts::alerts;
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
