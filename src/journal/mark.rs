//! The marks of the captures' sources.

use crate::model::Timestamp;

/// The point up to which a capture's source is recorded. It is committed together with its events.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mark {
    /// Time of its newest durable event.
    pub at: Timestamp,
}
