//! Recording: from a capture's observation to a durable, numbered event.
//!
//! Owns the bounded queue and the single writer behind it, which correlates, masks, cuts, leaves out what the broker
//! delivered a second time, appends to the journal, and only then tells the capture that the event is durable. It
//! counts for each source, in [`Sources`](crate::live::Sources), what became durable.
//!
//! On a stopped hoptrail's journal [`salvage`] and [`compact`] do what the keeping does, and record it in the same way.
//!
//! When the disk is full recording pauses, and goes on by itself; a [`Keeping`] has the journal remove what is old.
//!
//! Every commit is then offered to who follows the journal, over [`Recorder::tail`].
//!
//! Knows nothing of AMQP and of sockets. The order of a capture's observations is kept.
//!
//! # Invariants
//!
//! - A receipt is given only for what is on the disk.
//! - Nothing reaches the journal unmasked.
//! - The queue is bounded in observations and in bytes; who records waits.
//! - After the first failed append nothing is recorded and [`Recorder::failed`] tells.

mod keep;
mod key;
mod known;
mod observation;
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
pub use recorder::{OpenError, Recorder, Stopped, open, open_journal};
pub use stats::Stats;
pub use writer::WriterHandle;

pub use crate::journal::Mark;

#[cfg(test)]
mod tests;
