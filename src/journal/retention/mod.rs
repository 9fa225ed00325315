//! Retention: what is kept for how long.

use serde::{Deserialize, Serialize};

use crate::model::Str;

/// What retention has left of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Bodies are still there.
    pub(super) bodies: bool,
    /// Events that are neither critical nor named by a rule are still there.
    pub(super) general: bool,
    /// Rules whose events are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) expired: Vec<Str>,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { bodies: true, general: true, expired: Vec::new() }
    }
}
