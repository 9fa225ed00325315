//! The order and the form of an answer.

use serde::{Deserialize, Serialize};

/// Which events come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON document.
    #[default]
    Json,
    /// One JSON object a line; the next page in the `Link` header.
    NdJson,
    /// One row a line; the next page in the `Link` header.
    Csv,
}
