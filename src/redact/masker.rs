//! The configured masks.

use crate::config::{ExemptId, Property, Redact};

use super::detect::Detectors;
use super::keys::Keys;
use super::paths::MaskPath;

/// The configured masks with the key of their digests.
#[derive(Clone)]
pub struct Masker {
    pub(super) keys: Keys,
    pub(super) detectors: Detectors,
    pub(super) body: Vec<MaskPath>,
    /// In lower case.
    pub(super) headers: Vec<String>,
    pub(super) properties: Vec<Property>,
    pub(super) exempt: Vec<ExemptId>,
}

impl Masker {
    /// With the settings of `[redact]` and the journal's key.
    #[must_use]
    pub fn new(settings: &Redact, key: [u8; 32]) -> Self {
        Masker {
            keys: Keys::new(&key),
            detectors: Detectors::new(&settings.detect),
            body: settings.body.iter().map(MaskPath::new).collect(),
            headers: settings.headers.iter().map(|name| name.to_lowercase()).collect(),
            properties: settings.properties.clone(),
            exempt: settings.exempt_ids.clone(),
        }
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}
