//! Values that must not be printed, and where they may come from.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};

use super::Problems;

/// A password or key: prints as `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl<'de> Deserialize<'de> for Secret {
    /// `serde`'s own message about a value that is not a text repeats the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer);
        text.map(Secret).map_err(|_| de::Error::custom("is not a text; put it in quotes"))
    }
}

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The secret given directly, or read from the file named by the key with `_file` added, without its last line end.
pub(super) fn resolve(
    key: &str,
    direct: Option<Secret>,
    file: Option<PathBuf>,
    problems: &mut Problems,
) -> Option<Secret> {
    match (direct, file) {
        (Some(_), Some(_)) => {
            problems.add(key, format_args!("is given twice: remove {key} or {key}_file"));
            None
        }
        (Some(secret), None) => Some(secret),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(&path);
            let text = problems.check(
                format!("{key}_file"),
                read.map_err(|error| format!("cannot read {}: {error}", path.display())),
            )?;
            Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        (None, None) => None,
    }
}
