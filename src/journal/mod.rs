//! The journal: every recorded event, durable, numbered without holes, and indexed.
//!
//! The only module that names sled. It knows events and nothing of where they come from: no AMQP, no HTTP, no clock.
//!
//! # Layout
//!
//! `docs/journal.md` has every byte. The directory holds an [`identity`] file, a lock file, what is known of [`removed`]
//! partitions, and the partitions ([`part`]), in whose directories are:
//!
//! | file | what | by |
//! |---|---|---|
//! | `db` and others of sled's | blocks, strings, marks, head | [`store`], [`block`], [`codec`], [`value`] |
//! | `end` | what sled may have lost | [`end`] |
//! | `….run`, `index` | which blocks hold a term; of a sealed partition also where they stand, and its statistics | [`index`] |
//!
//! # Who does what
//!
//! | thread | what | by |
//! |---|---|---|
//! | who appends | numbers, packs, commits | [`writer`] |
//! | the indexer | writes runs, seals partitions | [`indexer`] |
//! | who asks | finds and decodes blocks: through sled, or of a sealed partition at their places | [`reader`], [`walk`], [`blocks`], [`sealed`] |
//! | the keeper's | moves partitions down, removes and salvages them | [`retention`], [`salvage`] |
//!
//! They share [`parts`], the list of partitions. A follower gets the newest commits over a [`tail`], in memory. A journal that nobody runs is looked at by [`offline`].
//!
//! # Invariants
//!
//! - `seq` is dense as it is given out, over all partitions, and `at` never goes back.
//! - What [`Writer::append`] has returned `Ok` for is on the disk: batch, flush, fsync.
//! - After one failed append every further one fails, and the process is to end and start again; after
//!   [`AppendError::Full`] the same events are given again.
//! - A block names the hash of the block before it, over the borders of partitions.
//! - A sealed partition is never changed in place: another generation takes its place, with one rename.
//! - Whatever is in a run can be made again from blocks.

mod block;
mod blocks;
mod codec;
mod end;
mod error;
mod files;
mod identity;
mod index;
mod indexer;
mod offline;
mod open;
mod options;
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
pub use identity::{probe, write_durably};
pub use offline::{Damage, Gone, PartStat, Problem, Report, Stat, check, condemn, require, stat};
pub use open::{Hole, SetAside};
pub use options::Options;
pub use reader::{Order, Reader};
pub use removed::Cause;
pub use retention::{Change, DiskSpace, Keeper, Policy, Rule, What};
pub use statistics::{Count, Statistics};
pub use tail::{Commit, Commits, News, Tail};
pub use term::Term;
pub use writer::{Mark, Writer};

#[cfg(test)]
mod tests;
