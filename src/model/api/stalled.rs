//! Stalled messages and orders, as the API shows them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::json::{seconds, seconds_option, text, text_option};
use crate::model::{self, Consumer, MessageKey, Seq, Stalled, StalledReason, StalledWhat, Str, Timestamp, Verdict};

/// What is past its deadline, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StalledReport {
    /// The state of things at this moment.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// Oldest first.
    pub stalled: Vec<StalledItem>,
    /// How many there are, the ones left out of this answer included.
    pub total: u64,
    /// Messages and orders that are no longer followed, because there were too many or nothing had happened to them
    /// for `flow.follow_for`; what is stalled among them is not in this report.
    #[serde(skip_serializing_if = "crate::model::json::is_zero")]
    pub evicted: u64,
}

/// One stalled message or order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StalledItem {
    /// A message or an order.
    pub what: StalledWhat,
    /// Why it is stalled.
    pub reason: StalledReason,
    /// The same in one sentence.
    pub text: String,
    /// Since when it is in this state.
    #[serde(with = "text")]
    pub since: Timestamp,
    /// How long that is.
    #[serde(rename = "seconds", with = "seconds")]
    pub lasts: Duration,
    /// The deadline it is past; absent where there is none to wait for.
    #[serde(rename = "deadline_seconds", with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// The order, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Str>,
    /// Message id or fingerprint.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageKey>,
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
    pub seq: Seq,
}

impl StalledReport {
    /// A report, with each verdict put into words by `tell`.
    #[must_use]
    pub fn new(report: model::StalledReport, tell: impl Fn(&Verdict) -> String) -> Self {
        let model::StalledReport { at, stalled, total, evicted } = report;
        let items = stalled.into_iter().map(|stalled| StalledItem::new(tell(&stalled.verdict), stalled));
        StalledReport { at, stalled: items.collect(), total, evicted }
    }
}

impl StalledItem {
    fn new(text: String, stalled: Stalled) -> Self {
        StalledItem {
            what: stalled.reason.what(),
            reason: stalled.reason,
            text,
            since: stalled.since,
            lasts: stalled.lasts,
            deadline: stalled.deadline,
            order_id: stalled.order_id,
            message: stalled.message,
            queue: stalled.queue,
            exchange: stalled.exchange,
            service: stalled.service,
            consumer: stalled.consumer,
            status: stalled.status,
            seq: stalled.seq,
        }
    }
}
