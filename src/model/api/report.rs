//! The reports: search pages, what is stalled, dead letters, alerts, coverage, health, and problems.

use serde::{Deserialize, Serialize};

use crate::model::{Gap, Seq, Str};

use super::{Consumer, EventView};

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

/// A gap as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GapView {
    /// Its number in the journal.
    pub seq: u64,
    /// The source that was blind.
    pub source: String,
    /// Nothing before this moment is missing.
    pub from: String,
    /// Nothing after this moment is missing.
    pub to: String,
    /// How many observations are missing, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What happened.
    pub cause: String,
}

impl GapView {
    /// The gap that the event `seq` tells of.
    #[must_use]
    pub fn new(seq: Seq, gap: &Gap) -> Self {
        GapView {
            seq: seq.0,
            source: gap.source.name().to_owned(),
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            count: gap.count,
            cause: gap.cause.to_string(),
        }
    }
}

/// Which kind of thing is stalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StalledWhat {
    /// A message in a queue.
    #[default]
    Message,
    /// An order in a status.
    Order,
}

/// What is past its deadline, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StalledReport {
    /// The state of things at this moment.
    pub at: String,
    /// Oldest first.
    pub stalled: Vec<StalledItem>,
    /// How many there are, the ones left out of this answer included.
    pub total: u64,
    /// Messages and orders that are no longer followed, because there were too many or nothing had happened to them
    /// for `flow.follow_for`; what is stalled among them is not in this report.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub evicted: u64,
}

/// One stalled message or order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StalledItem {
    /// A message or an order.
    pub what: StalledWhat,
    /// `undelivered`, `unsettled`, `dead_lettered`, `unroutable` or `status`.
    pub reason: String,
    /// The same in one sentence.
    pub text: String,
    /// Since when it is in this state.
    pub since: String,
    /// How long that is, in seconds.
    pub seconds: f64,
    /// The deadline it is past, in seconds; absent where there is none to wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<f64>,
    /// The order, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Str>,
    /// Message id or fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The queue that owes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Str>,
    /// The exchange it was published to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Str>,
    /// The service that published it, or of an order the one that announced its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The consumer that was given it and has not settled it since; of reason `unsettled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Consumer>,
    /// The order's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Str>,
    /// The event it was last seen in.
    pub seq: u64,
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
    pub first_at: String,
    /// The newest.
    pub last_at: String,
    /// A few of the newest, without bodies.
    pub samples: Vec<EventView>,
}

/// Whether an alert is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds.
    #[default]
    Firing,
    /// It held, and is over.
    Resolved,
}

/// Alerts, firing first, then the most recently resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertsReport {
    /// Firing and recent.
    pub alerts: Vec<AlertView>,
}

/// One alert; also the body of the webhook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertView {
    /// The same for all notifications of one incident.
    pub id: String,
    /// The rule's name in the configuration.
    pub rule: String,
    /// `dead_letter_spike`.
    pub detector: String,
    /// Whether it is on.
    pub state: AlertState,
    /// One sentence.
    pub summary: String,
    /// What it is about: `queue`, `reason`, `vhost`.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The count that was reached, the highest so far.
    pub value: f64,
    /// The count it fires at.
    pub threshold: f64,
    /// The sliding window, in seconds.
    pub window_seconds: f64,
    /// When it began.
    pub since: String,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<String>,
    /// Orders concerned, a few of the newest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Str>,
    /// Events concerned, a few of the newest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<u64>,
}

/// What is observed, by which source, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoverageReport {
    /// The state of things at this moment.
    pub at: String,
    /// Every source that is configured, by virtual host.
    pub sources: Vec<SourceCoverage>,
    /// Gaps, newest first, at most the latest hundred.
    pub gaps: Vec<GapView>,
    /// The journal's first and last event.
    pub first_seq: u64,
    /// The newest event.
    pub last_seq: u64,
}

/// Whether a source observes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Not yet, or not at the moment: being connected.
    #[default]
    Connecting,
    /// Observes.
    Live,
    /// Cannot observe; `problems` says why. It is tried again.
    Failed,
    /// Switched off by configuration, or not available on this broker.
    Off,
}

/// One source in one virtual host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceCoverage {
    /// Virtual host.
    pub vhost: String,
    /// `binding`, `dead_letter`, `firehose`, `events` or `proxy`.
    pub source: String,
    /// Whether it observes.
    pub state: SourceState,
    /// Since when it is in that state.
    pub since: String,
    /// The tap's queue, and its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Exchanges observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<String>,
    /// What is not observed, and why: one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Observations recorded since hoptrail started.
    pub recorded: u64,
    /// When the newest of them was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
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
