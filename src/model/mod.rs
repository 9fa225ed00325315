//! The vocabulary: what an event is, how it is named and numbered, and what a trail says.
//!
//! Knows no broker, no disk and no network: nothing here performs I/O, reads a clock or draws a random number.

mod event;
mod ids;
mod keys;
mod kind;
mod side;
mod time;
mod value;

pub mod api;

pub use event::{
    Body, BodyFormat, Close, Death, Event, Gap, Party, Properties, Return, Session, Settlement, SettlementKind,
    Topology,
};
pub use ids::{Fingerprint, MessageKey, Seq, Str};
pub use keys::{Keys, Link};
pub use kind::{Kind, Source, UnknownName};
pub use side::Side;
pub use time::{Timestamp, TimestampError};
pub use value::{Value, weight};
