//! The marks of the captures' sources.

use crate::model::Timestamp;

/// How far a capture's source is recorded; committed together with the events it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mark {
    /// Time of its newest durable event.
    pub at: Timestamp,
}
