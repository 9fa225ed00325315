//! The vocabulary: events, their names and numbers, and trails.
//!
//! Knows no broker, no disk and no network: nothing here performs I/O, reads a clock or draws a random number.

mod alert;
mod event;
mod hop;
mod ids;
mod json;
mod keys;
mod kind;
mod live;
mod named;
mod side;
mod stalled;
mod state;
mod time;
mod value;

pub mod api;
pub mod trail;
pub mod verdict;

pub use alert::Alert;
pub use event::{
    Body, BodyFormat, Close, Death, Event, Gap, Party, Properties, Return, Session, Settlement, SettlementKind,
    Topology,
};
pub use ids::{Fingerprint, MessageKey, Seq, Str};
pub use json::Open;
pub use keys::{Keys, Link};
pub use kind::{Kind, Source};
pub use live::{SessionView, SessionsReport, SourceCoverage};
pub use named::UnknownName;
pub(crate) use named::named;
pub use side::Side;
pub use stalled::{Stalled, StalledReport};
pub use state::{AlertState, LegState, SessionState, SourceState, StalledReason, StalledWhat, State};
pub use time::{Timestamp, TimestampError};
pub use trail::{Consumer, Subject, Trail};
pub use value::{Value, weight};
pub use verdict::{Told, Verdict};
