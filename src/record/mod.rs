//! Recording: from a capture's observation to a durable, numbered event.
//!
//! Owns the bounded queue and the single writer behind it. The writer correlates, masks, cuts, and leaves out repeated
//! deliveries. It appends to the journal, and only then tells the capture that the event is durable. It counts the
//! durable events of each source, in [`Sources`](crate::live::Sources).
//!
//! On a stopped hoptrail's journal [`salvage`] and [`compact`] do the work of the keeping, and record it in the same
//! way.
//!
//! When the disk is full, recording pauses and resumes by itself. A [`Keeping`] lets the journal remove old partitions.
//!
//! The writer then offers every commit to the followers of the journal, over [`Recorder::tail`].
//!
//! The module knows nothing of AMQP and of sockets. It keeps the order of a capture's observations.
//!
//! # Invariants
//!
//! - A receipt is given only for an event that is on the disk.
//! - Nothing reaches the journal unmasked.
//! - The queue is bounded in observations and in bytes; a capture that records waits.
//! - After the first failed append nothing is recorded, and [`Recorder::failed`] completes.

mod keep;
mod key;
mod known;
mod marks;
mod observation;
mod open;
mod prepare;
mod queue;
mod recorder;
mod repeats;
mod room;
mod stats;
mod writer;

pub use keep::{Keeping, change_events, policy};
pub use key::KeyError;
pub use observation::{Observation, Receipt, Watermark};
pub use open::{OpenError, Opened, open, open_journal};
pub use recorder::{Recorder, Stopped};
pub use stats::Stats;
pub use writer::WriterHandle;

pub use crate::journal::Mark;

#[cfg(test)]
mod tests;
