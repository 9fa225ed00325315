//! Alerts that are firing, and recent ones.

use crate::model::api::AlertsReport;
use crate::show::Words;

use super::handles::Handles;

/// Firing alerts, newest first, then those that were resolved most recently.
#[must_use]
pub fn alerts(handles: &Handles) -> AlertsReport {
    let words = Words::english();
    AlertsReport::new(&handles.alerts.report(), |verdict| words.headline(verdict))
}
