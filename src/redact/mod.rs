//! Masks an event before any part of it is stored, logged or sent.
//!
//! Owns the detectors, the keyed digests that stand in for masked values, and the fingerprint and body digest of the
//! original. Performs no I/O: the caller gives the key. Does not know the origin of events.
//!
//! `record` calls, in this order: [`Masker::identify`] (over the original), `Correlator::apply`, [`Masker::apply`],
//! [`cut`]. A body is cut only after it was masked, so that no half of a value escapes a detector.
//!
//! | place | masked values |
//! |---|---|
//! | body, JSON | values that a configured path selects, whole, each of several of one name; findings of detectors in strings, names and integers |
//! | body that begins like JSON but is not | everything after a name that ends a configured path; then as text |
//! | body, text or binary | findings of detectors |
//! | body, compressed | not kept, because detectors cannot read it |
//! | headers, properties | configured ones whole; findings of detectors in texts, nested ones included |
//! | routing keys, client name, user, ids, status, texts of returns, gaps and topology events | findings of detectors |
//!
//! Names of virtual hosts, exchanges and queues, and the broker's names of connections, stay as they are.

mod body;
mod detect;
mod event;
mod headers;
mod identity;
mod json;
mod names;
mod paths;
mod text;

#[cfg(test)]
mod tests;

pub use event::MaskedBody;
pub use identity::cut;

use crate::config::{ExemptId, Property, Redact};

use detect::Detectors;
use identity::Keys;
use paths::MaskPath;

/// The configured masks with the key of their digests.
#[derive(Clone)]
pub struct Masker {
    keys: Keys,
    detectors: Detectors,
    body: Vec<MaskPath>,
    /// In lower case.
    headers: Vec<String>,
    properties: Vec<Property>,
    exempt: Vec<ExemptId>,
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
