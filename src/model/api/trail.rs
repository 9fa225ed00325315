//! A trail as the API shows it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::json::{seconds_option, text_option};
use crate::model::trail::{Hop, NotShown, StatusChange};
use crate::model::{self, State, Str, Subject, Timestamp, Told};

use super::{EventView, GapView};

/// Everything known about one order or one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// The order asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Str>,
    /// The message asked for: its message id or fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The customer, where an event named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Str>,
    /// Where it stands.
    pub state: State,
    /// The same in one sentence, for a person.
    pub verdict: String,
    /// Since when it stands there.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How long it may stand there, in seconds.
    #[serde(with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Duration>,
    /// Who must act now: a service, or the consumer of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whose_turn: Option<String>,
    /// What usually comes next, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Status changes, oldest first.
    pub statuses: Vec<StatusChange>,
    /// Publishes with what became of them in each queue, oldest first.
    pub hops: Vec<Hop>,
    /// The events, in journal order, without bodies: of a long history the first and the newest.
    pub events: Vec<EventView>,
    /// Times within the trail's span when a source was blind.
    pub gaps: Vec<GapView>,
    /// There is more than one answer may hold; the first and the newest events are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The part that is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_shown: Option<NotShown>,
}

impl Trail {
    /// A trail, with its verdict in words.
    #[must_use]
    pub fn new(trail: model::Trail, told: Told) -> Self {
        let (order_id, message_id) = match trail.subject {
            Subject::Order(id) => (Some(id), None),
            Subject::Message(key) => (None, Some(key.to_string())),
        };
        Trail {
            order_id,
            message_id,
            customer_id: trail.customer_id,
            state: trail.verdict.state(),
            verdict: told.headline,
            since: trail.verdict.since(),
            limit: trail.verdict.limit(),
            whose_turn: told.whose_turn,
            next: told.next,
            statuses: trail.statuses,
            hops: trail.hops,
            events: trail.events.iter().map(EventView::brief).collect(),
            gaps: trail.gaps.iter().filter_map(GapView::of).collect(),
            truncated: trail.not_shown.is_some(),
            not_shown: trail.not_shown,
        }
    }
}
