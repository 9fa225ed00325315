//! Alerts: hoptrail notices a dead-letter spike, and reports it once to the log and to a webhook. It reports the end of
//! the spike once more.
//!
//! Owns the detectors, the list of firing and recent alerts, and the notifiers. The caller gives committed events and
//! the time. Does not know the origin of events.
//!
//! | file | owns |
//! |---|---|
//! | `window` | the number of events in the last span of time, in bounded memory |
//! | `spike` | one rule over all its queues, without I/O |
//! | `alerts` | the handle: all rules, firing and recent alerts |
//! | `notify` | the log, and the queue in front of the webhook |
//! | `webhook` | one POST, and its further attempts |
//!
//! A start applies the journal's newest events again. Only the events' own time decides, so the same events give the
//! same alerts with the same ids. An alert that was over before the start is not reported. An alert that fires is
//! reported again, under the id that the receiver knows.

mod alerts;
mod notify;
mod spike;
mod webhook;
mod window;

pub use alerts::Alerts;
pub use notify::{Notifier, NotifierError};
