//! A query for stalled messages and orders.

use crate::model::StalledWhat;

/// Filter of the stalled report. A `None` selects all.
#[derive(Clone, Debug)]
pub struct StalledQuery {
    /// Only messages, or only orders.
    pub what: Option<StalledWhat>,
    /// Service that published the message, holds it, or announced the status.
    pub service: Option<String>,
    /// Queue in which the message is in trouble.
    pub queue: Option<String>,
    /// Status of the order, or status that the message announces.
    pub status: Option<String>,
    /// The most items in the answer.
    pub limit: usize,
}

impl Default for StalledQuery {
    fn default() -> Self {
        StalledQuery { what: None, service: None, queue: None, status: None, limit: 1000 }
    }
}
