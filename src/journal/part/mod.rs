//! A partition: one database, the index over it, and the range that it covers.
//!
//! It takes events until it is full or its day is over. Then it is sealed: its runs become one, which also notes the
//! places of its blocks, and sled is no longer needed.

mod name;
mod open;
mod partition;
mod seal;
mod slot;
mod span;
mod state;

pub(super) use name::PartName;
pub(super) use partition::{CONDEMNED_FILE, Part};
pub(super) use seal::hex;
pub(super) use span::Span;
