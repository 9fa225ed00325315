//! Alerts as the API and the webhook show them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::json::{seconds, text, text_option};
use crate::model::{Alert, AlertState, Seq, Str, Timestamp, Verdict};

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
    pub labels: BTreeMap<String, String>,
    /// The count that was reached, the highest so far.
    pub value: f64,
    /// The count it fires at.
    pub threshold: f64,
    /// The sliding window.
    #[serde(rename = "window_seconds", with = "seconds")]
    pub window: Duration,
    /// When it began.
    #[serde(with = "text")]
    pub since: Timestamp,
    /// When it was over.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Orders concerned, a few of the newest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Str>,
    /// Events concerned, a few of the newest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Seq>,
}

impl AlertsReport {
    /// A report, with each verdict put into words by `tell`.
    #[must_use]
    pub fn new(alerts: &[Alert], tell: impl Fn(&Verdict) -> String) -> Self {
        AlertsReport { alerts: alerts.iter().map(|alert| AlertView::new(alert, tell(&alert.verdict()))).collect() }
    }
}

impl AlertView {
    /// An alert, with what it is about in words.
    #[must_use]
    pub fn new(alert: &Alert, summary: String) -> Self {
        let labels = [("vhost", &alert.vhost), ("queue", &alert.queue), ("reason", &alert.reason)];
        AlertView {
            id: alert.id.clone(),
            rule: alert.rule.clone(),
            detector: "dead_letter_spike".into(),
            state: alert.state,
            summary,
            labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
            value: alert.count as f64,
            threshold: alert.threshold as f64,
            window: alert.window,
            since: alert.since,
            resolved_at: alert.resolved_at,
            orders: alert.orders.clone(),
            events: alert.events.clone(),
        }
    }
}
