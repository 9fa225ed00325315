//! The JSON of the HTTP API, as `serve` writes it and `cli` reads it: a projection of the types of [`model`](super).
//!
//! Plain data with public fields. Absent fields are left out; readers skip fields and kinds that they do not know, so
//! that more can be added.

mod alert;
mod event;
mod gap;
mod report;
mod stalled;
mod statistics;
mod trail;

pub use alert::{AlertView, AlertsReport};
pub use event::{BodyView, EventView};
pub use gap::GapView;
pub use report::{CoverageReport, DeadLetterGroup, DeadLettersReport, EventsPage, Health, HealthCheck, Problem};
pub use stalled::{StalledItem, StalledReport};
pub use statistics::{StatisticsReport, StatisticsRow};
pub use trail::Trail;

pub use crate::model::trail::{Consumer, DeathView, Hop, Leg, StatusChange};
pub use crate::model::{
    AlertState, LegState, SessionState, SessionView, SessionsReport, SourceCoverage, SourceState, StalledReason,
    StalledWhat, State,
};

/// The header that says that an answer is not whole. JSON bodies have no place for it, and CSV files none at all.
pub const WARNING_HEADER: &str = "hoptrail-warning";
