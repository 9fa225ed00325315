//! Live state: which source observes, which client is connected through the proxy, and the proxy's counters.
//!
//! Owns two registries, [`Sources`] and [`Sessions`]. Captures write into them, the recorder counts for each source the
//! events that are durable, and the server reads them. They are handles that share one state; `app` makes them ([`Live`]).
//!
//! Knows nothing of events on the disk, of sockets and of AMQP. Nothing here is kept over a restart.
//!
//! # Invariants
//!
//! - Both registries are bounded.
//! - A lock is held only while a row is written, or while rows are copied.

mod registries;
mod sessions;
mod sources;

pub use registries::Live;
pub use sessions::{Backlog, Refused, SessionFigures, SessionStats, Sessions};
pub use sources::Sources;
