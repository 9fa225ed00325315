//! A question for stalled messages and orders.

use crate::model::StalledWhat;

/// Filter of the stalled report; `None` leaves all in.
#[derive(Clone, Debug)]
pub struct StalledQuery {
    /// Messages or orders.
    pub what: Option<StalledWhat>,
    /// Service that published the message, or holds it, or announced the status.
    pub service: Option<String>,
    /// Queue that owes the message.
    pub queue: Option<String>,
    /// Status.
    pub status: Option<String>,
    /// Items in the answer.
    pub limit: usize,
}

impl Default for StalledQuery {
    fn default() -> Self {
        StalledQuery { what: None, service: None, queue: None, status: None, limit: 1000 }
    }
}
