//! The keys of the digests: of masked values, of whole bodies, of fingerprints.

use crate::model::Fingerprint;

/// One key for each purpose, so that a digest of one cannot be compared with one of another.
#[derive(Clone)]
pub(super) struct Keys {
    mask: [u8; 32],
    body: [u8; 32],
    fingerprint: [u8; 32],
}

impl Keys {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Keys {
            mask: blake3::derive_key("hoptrail 2026-11-20 masked value", key),
            body: blake3::derive_key("hoptrail 2026-11-20 body digest", key),
            fingerprint: blake3::derive_key("hoptrail 2026-11-20 message fingerprint", key),
        }
    }

    /// The first 32 bits over a normalised value: enough to compare, too few to be a directory of anything.
    pub(super) fn mask(&self, normalised: &[u8]) -> [u8; 4] {
        let hash = blake3::keyed_hash(&self.mask, normalised);
        *hash.as_bytes().first_chunk().unwrap_or(&[0; 4])
    }

    /// Over a whole body.
    pub(super) fn body(&self, data: &[u8]) -> [u8; 16] {
        half(blake3::keyed_hash(&self.body, data))
    }

    /// Over what identifies a message.
    pub(super) fn fingerprint(&self, fields: &[u8]) -> Fingerprint {
        Fingerprint(half(blake3::keyed_hash(&self.fingerprint, fields)))
    }
}

fn half(hash: blake3::Hash) -> [u8; 16] {
    *hash.as_bytes().first_chunk().unwrap_or(&[0; 16])
}
