//! The reasons why there is no answer.

use crate::journal::{OpenError, ReadError};

/// Why a question cannot be answered as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// A parameter is malformed, or contradicts another.
    #[error("{0}")]
    Parameter(String),
    /// The cursor cannot continue this search.
    #[error("the cursor {0}; begin the search again without one")]
    Cursor(&'static str),
    /// The text cannot be an id.
    #[error("{0}")]
    Id(String),
}

/// The journal could not be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum Unreadable {
    /// The journal's events.
    Events(#[from] ReadError),
    /// The files about removed partitions.
    Removed(#[from] OpenError),
}
