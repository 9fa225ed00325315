//! The reports: search pages, stalls, dead letters, alerts, coverage, health, and problems.

use serde::{Deserialize, Serialize};

use crate::model::json::text;
use crate::model::{SourceCoverage, Timestamp};

use super::{EventView, GapView};

/// A page of a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventsPage {
    /// The events, newest first unless asked otherwise, without bodies.
    pub events: Vec<EventView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Dead letters by group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadLettersReport {
    /// `queue`, `reason`, `exchange` or `service`.
    pub group_by: String,
    /// Most first.
    pub groups: Vec<DeadLetterGroup>,
    /// Dead letters in all groups.
    pub total: u64,
    /// There were more than one answer may count; the newest were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Dead letters that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadLetterGroup {
    /// What they have in common.
    pub key: String,
    /// How many.
    pub count: u64,
    /// Their reasons, each with its count.
    pub reasons: std::collections::BTreeMap<String, u64>,
    /// The oldest.
    #[serde(with = "text")]
    pub first_at: Timestamp,
    /// The newest.
    #[serde(with = "text")]
    pub last_at: Timestamp,
    /// A few of the newest, without bodies.
    pub samples: Vec<EventView>,
}

/// What is observed, by which source, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoverageReport {
    /// The state of things at this moment.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// Every source that is configured, by virtual host.
    pub sources: Vec<SourceCoverage>,
    /// Gaps, newest first, at most the latest hundred.
    pub gaps: Vec<GapView>,
    /// The journal's first and last event.
    pub first_seq: u64,
    /// The newest event.
    pub last_seq: u64,
}

/// The answer of `/readyz?verbose`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// All checks pass.
    pub ready: bool,
    /// Each check.
    pub checks: Vec<HealthCheck>,
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthCheck {
    /// `journal`, `recorder`, `broker`, `flow`.
    pub name: String,
    /// It passes.
    pub ok: bool,
    /// What it found.
    pub detail: String,
}

/// An error (RFC 9457, "Problem Details for HTTP APIs").
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A stable code as a relative reference: `/problems/bad-cursor`.
    #[serde(rename = "type")]
    pub type_: String,
    /// What kind of problem it is.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, to what, and what to do.
    pub detail: String,
}
