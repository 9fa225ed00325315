//! Checksums of everything but blocks. They protect against flipped bits, not against people.

/// Bytes of a checksum.
pub(super) const SUM_BYTES: usize = 8;

/// The beginning of the BLAKE3 hash over the parts.
pub(super) fn sum(parts: &[&[u8]]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut sum = [0; SUM_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}
