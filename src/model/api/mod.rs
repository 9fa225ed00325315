//! The JSON of the HTTP API, as `serve` writes it and `cli` reads it.
//!
//! Plain data with public fields. Absent fields are left out; readers skip fields and kinds that they do not know, so
//! that more can be added.

mod event;
mod report;
mod session;
mod statistics;
mod trail;

pub use event::{BodyView, EventView, base64};
pub use report::{
    AlertState, AlertView, AlertsReport, CoverageReport, DeadLetterGroup, DeadLettersReport, EventsPage, GapView,
    Health, HealthCheck, Problem, SourceCoverage, SourceState, StalledItem, StalledReport, StalledWhat,
};
pub use session::{SessionState, SessionView, SessionsReport};
pub use statistics::{StatisticsReport, StatisticsRow};
pub use trail::{Consumer, DeathView, Hop, Leg, LegState, State, StatusChange, Trail};

fn is_zero(count: &u64) -> bool {
    *count == 0
}
