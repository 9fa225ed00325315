//! The journal: every recorded event, durable, numbered without holes, and indexed.
//!
//! The only module that names sled. It knows events and nothing of where they come from: no AMQP, no HTTP, no clock.
//!
//! # Layout
//!
//! A directory with an [`identity`] file, a lock file, and one sled database for each day (UTC), named `2026-11-20`.
//! In a database:
//!
//! | tree | key | value |
//! |---|---|---|
//! | `log` | `1`, first seq (u64), part (u16) | a [`block`] of consecutive events, or a further part of a large one |
//! | `log` | `2`, name | a [`Mark`]: how far a capture's source is recorded |
//! | `log` | `3`, first number (u32) | interned [`strings`], in the order of their numbers |
//! | `log` | `4` | the [`Head`](day::Head): last seq, hash of the last block |
//! | `runs` | `p`, run (u32), first pair (u64) | a page of a sorted [`index`] run |
//! | `runs` | `f`, run (u32), part (u16) | the run's filter |
//! | `runs` | `m`, run (u32) | what the run covers; written last, so a run without it does not exist |
//!
//! Beside sled's files lies the [`end`] file, which tells what sled may have lost.
//!
//! All numbers in keys are big-endian. Key and value together stay below 7 KiB: sled puts larger ones into files of
//! their own, which it never syncs.
//!
//! # Invariants
//!
//! - `seq` is dense over all databases, and `at` never goes back.
//! - What [`Writer::append`] has returned `Ok` for is on the disk: batch, flush, fsync.
//! - After one failed append every further one fails; the process is to end and start again.
//! - A block names the hash of the block before it, over the borders of days.

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
mod term;
mod value;
mod varint;
mod walk;
mod writer;

pub use error::{AppendError, OpenError, ReadError};
pub use identity::probe;
pub use offline::{Damage, Gone, PartStat, Problem, Report, Stat, check, forget_runs, require, stat};
pub use open::{Hole, SetAside};
pub use options::Options;
pub use reader::{Order, Reader};
pub use removed::Cause;
pub use retention::{Change, DiskSpace, Keeper, Policy, Rule, What};
pub use statistics::{Count, Statistics};
pub use term::Term;
pub use writer::{Mark, Writer};

#[cfg(test)]
mod tests;
