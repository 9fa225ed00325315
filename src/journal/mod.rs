//! The journal: every recorded event, durable, numbered without holes, and indexed.
//!
//! The only module that names sled. It knows events, and not their origin: no AMQP, no HTTP, no clock.
//!
//! # Layout
//!
//! `docs/journal.md` describes every byte. The directory holds an [`identity`] file, a lock file, the records of
//! [`removed`] partitions, and the partitions ([`part`]). A partition's directory has these files:
//!
//! | file | content | by |
//! |---|---|---|
//! | `db` and other files of sled | blocks, strings, marks, head | [`store`], [`block`], [`codec`], [`value`] |
//! | `end` | the newest committed number, which sled may lose | [`end`] |
//! | `….run`, `index` | the blocks of each term; of a sealed partition also their places, and its statistics | [`index`] |
//!
//! # Threads
//!
//! | thread | work | by |
//! |---|---|---|
//! | the caller that appends | numbers, packs, commits | [`writer`] |
//! | the indexer | writes runs, seals partitions | [`indexer`] |
//! | callers that ask | find and decode blocks: through sled, or of a sealed partition at their places | [`reader`], [`walk`], [`blocks`], [`sealed`] |
//! | the keeper's | moves partitions down, removes and salvages them | [`retention`], [`salvage`] |
//!
//! They share [`parts`], the list of partitions. A follower gets the newest commits over a [`tail`], in memory.
//! [`offline`] looks at the journal of a stopped hoptrail.
//!
//! # Invariants
//!
//! - `seq` has no holes when it is assigned, over all partitions, and `at` never goes back.
//! - The events of an [`Writer::append`] that returned `Ok` are on the disk: batch, flush, fsync.
//! - After one failed append every further one fails, and the process must end and start again. After
//!   [`AppendError::Full`] the caller appends the same events again.
//! - A block names the hash of the block before it, over the borders of partitions.
//! - A sealed partition is never changed in place: another generation takes its place, with one rename.
//! - The blocks can make any run again.

mod block;
mod blocks;
mod codec;
mod dirs;
mod end;
mod error;
mod files;
mod hole;
mod identity;
mod index;
mod indexer;
mod mark;
mod offline;
mod open;
mod options;
mod order;
mod part;
mod parts;
mod reader;
mod removed;
mod retention;
mod salvage;
mod sealed;
mod statistics;
mod store;
mod strings;
mod sum;
mod tail;
mod term;
mod value;
mod varint;
mod walk;
mod writer;

pub use error::{AppendError, OpenError, ReadError};
pub use hole::{Hole, SetAside};
pub use identity::{probe, write_durably};
pub use mark::Mark;
pub use offline::{Damage, Gone, PartStat, Problem, Report, Stat, check, condemn, require, stat};
pub use options::Options;
pub use order::Order;
pub use reader::Reader;
pub use removed::Cause;
pub use retention::{Change, DiskSpace, Keeper, Policy, Rule, What};
pub use statistics::{Count, Statistics};
pub use tail::{Commit, Commits, News, Tail};
pub use term::Term;
pub use writer::Writer;

#[cfg(test)]
mod tests;
