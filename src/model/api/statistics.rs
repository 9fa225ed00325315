//! The statistics: recorded events, in numbers.

use serde::{Deserialize, Serialize};

use crate::model::Str;

/// What was recorded, in numbers: of what retention has taken as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsReport {
    /// `day`, `kind`, `service` or `queue`; absent where the rows have all four.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// By day, newest first; where days are not told apart, most first.
    pub rows: Vec<StatisticsRow>,
    /// Events in the period, those of rows that were left out included.
    pub total: u64,
    /// How many of them lay in partitions that are no longer there.
    #[serde(skip_serializing_if = "crate::model::json::is_zero")]
    pub removed: u64,
    /// There are more rows than one answer may have; those of the newest days are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// How many events have something in common. What is not told apart is absent; so are service and queue where the events
/// name none, or where they were too many to be counted one by one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsRow {
    /// Date in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Kind of the events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The business system that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// Queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Str>,
    /// How many were recorded.
    pub count: u64,
    /// How many of them lay in partitions that are no longer there. Of the others retention may have taken the bodies,
    /// and all that are not critical.
    #[serde(skip_serializing_if = "crate::model::json::is_zero")]
    pub removed: u64,
}
