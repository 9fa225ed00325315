//! The end of a session's connections.

use crate::model::{Party, Str};

/// The end of a session's connections.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The party that ended them first, if the protocol did not name it.
    pub by: Party,
    /// The end as it was seen, in words.
    pub text: Str,
}
