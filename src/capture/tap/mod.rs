//! The tap: subscribes to the broker and records its deliveries.
//!
//! Owns its queues on the broker, their bindings, and the order of recording and acknowledging. Knows nothing of the
//! journal: it hands over observations and is told when they are durable.
//!
//! One supervisor per vhost ([`supervisor`]) connects. On each connection it runs the discovery of the bindings
//! ([`discovery`], planned by [`topology`]) beside one reader per source ([`source`], [`reading`]).

mod bindings;
mod clients;
mod cursor;
mod decode;
mod discovery;
mod ledger;
mod memory;
mod notes;
mod probe;
mod queues;
mod reading;
mod run;
mod shared;
mod source;
mod supervisor;
mod topology;
mod tracing_switch;
mod unreadable;

pub use probe::probe;
pub use run::run;
