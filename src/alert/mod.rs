//! Alerts: a dead-letter spike is noticed, told once to the log and to a webhook, and told again when it is over.
//!
//! Owns the detectors, the list of firing and recent alerts, and the notifiers. It is fed committed events and the
//! time, and knows nothing of where events come from.
//!
//! | file | owns |
//! |---|---|
//! | `window` | how many in the last so much time, in bounded memory |
//! | `spike` | one rule over all its queues, without I/O |
//! | `alerts` | the handle: all rules, what is firing, what was |
//! | `notify` | the log, and the queue in front of the webhook |
//! | `webhook` | one POST, and when it is tried again |
//!
//! At a start the journal's newest events are applied again. Everything that decides is the events' own time, so the
//! same events give the same alerts with the same ids. What was over before the start is not told; what is on is told
//! again, under the id the receiver knows.

mod alerts;
mod notify;
mod spike;
mod webhook;
mod window;

pub use alerts::Alerts;
pub use notify::{Notifier, NotifierError};
