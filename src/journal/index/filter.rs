//! A run's filter: says of most hashes that the run does not hold them. A binary fuse filter, about nine bits a hash.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter as _, FilterRef};

use crate::journal::term::TermHash;

/// The descriptor, then the fingerprints; empty for a run of no hashes.
#[derive(Debug, PartialEq)]
pub(super) struct Filter(Vec<u8>);

impl Filter {
    /// A filter over hashes that are each there once. `None`: no seed fits them, which happens once in many thousand
    /// million tries; the caller then goes without.
    pub(super) fn build(hashes: &[TermHash]) -> Option<Filter> {
        if hashes.is_empty() {
            return Some(Filter(Vec::new()));
        }
        let filter = BinaryFuse8::try_from(hashes).ok()?;
        let mut bytes = vec![0; BinaryFuse8::DESCRIPTOR_LEN];
        filter.dma_copy_descriptor_to(&mut bytes);
        bytes.extend_from_slice(filter.dma_fingerprints());
        Some(Filter(bytes))
    }

    /// The bytes of [`Self::bytes`], which the caller has checked against their checksum.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Filter> {
        (bytes.is_empty() || bytes.len() > BinaryFuse8::DESCRIPTOR_LEN).then_some(Filter(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn may_contain(&self, hash: TermHash) -> bool {
        match self.0.split_at_checked(BinaryFuse8::DESCRIPTOR_LEN) {
            Some((descriptor, fingerprints)) => BinaryFuse8Ref::from_dma(descriptor, fingerprints).contains(&hash),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_holds_what_it_was_built_from_and_little_else() {
        for count in [0u64, 1, 2, 3, 100, 100_000] {
            let hashes: Vec<u64> = (0..count).map(|n| n * 7).collect();
            let filter = Filter::build(&hashes).expect("distinct hashes");
            let filter = Filter::from_bytes(filter.bytes().to_vec()).expect("what was built");
            assert!(hashes.iter().all(|hash| filter.may_contain(*hash)));
            let wrong = (0..10_000u64).filter(|n| filter.may_contain(n * 7 + 3)).count();
            assert!(wrong < 120, "{wrong} of 10 000 with {count}");
        }
    }
}
