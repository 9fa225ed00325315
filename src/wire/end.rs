//! The end of a session's connections.

use crate::model::{Party, Str};

/// How a session's connections ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Who ended it first, where the protocol did not say so.
    pub by: Party,
    /// What was seen of it, in words.
    pub text: Str,
}
