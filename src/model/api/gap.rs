//! A gap as the API shows it.

use serde::{Deserialize, Serialize};

use crate::model::json::text;
use crate::model::{Event, Open, Source, Timestamp};

/// Something that was not observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GapView {
    /// Its number in the journal.
    pub seq: u64,
    /// The source that was blind.
    pub source: Open<Source>,
    /// Nothing before this moment is missing.
    #[serde(with = "text")]
    pub from: Timestamp,
    /// Nothing after this moment is missing.
    #[serde(with = "text")]
    pub to: Timestamp,
    /// How many observations are missing, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What happened.
    pub cause: String,
}

impl GapView {
    /// The gap that an event tells of.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let gap = event.gap.as_ref()?;
        Some(GapView {
            seq: event.seq.0,
            source: gap.source.into(),
            from: gap.from,
            to: gap.to,
            count: gap.count,
            cause: gap.cause.to_string(),
        })
    }
}
