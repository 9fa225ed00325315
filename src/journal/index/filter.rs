//! A run's filter: says of most hashes that the run does not hold them. They are binary fuse filters of about nine bits
//! a hash. Each page has one, for an equal share of the hashes' range, so a question reads one page.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter as _, FilterRef};

use crate::journal::term::{TERM_BITS, TermHash};

use super::page::CONTENT_BYTES_MAX;

/// Hashes that a page holds on average; some hold a tenth more, and a filter takes up to twelve bits a hash.
const HASHES_PER_PAGE: u64 = 2_400;
/// A page without a filter says of every hash that the run may hold it.
const NO_FILTER: &[u8] = &[0];

/// Pages for so many different hashes.
pub(super) fn pages_for(hashes: u64) -> u32 {
    hashes.div_ceil(HASHES_PER_PAGE) as u32
}

/// The page, of so many, that speaks for a hash.
pub(super) fn page_of(hash: TermHash, pages: u32) -> u32 {
    ((hash * u64::from(pages)) >> TERM_BITS) as u32
}

/// The content of a page for these hashes, each there once. Where no filter can be had, the page says "maybe".
pub(super) fn build(hashes: &[TermHash]) -> Vec<u8> {
    if hashes.is_empty() {
        return Vec::new();
    }
    let Ok(filter) = BinaryFuse8::try_from(hashes) else { return NO_FILTER.to_vec() };
    let mut content = vec![0; BinaryFuse8::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut content);
    content.extend_from_slice(filter.dma_fingerprints());
    if content.len() <= CONTENT_BYTES_MAX { content } else { NO_FILTER.to_vec() }
}

/// Whether a page's content allows for the hash.
pub(super) fn may_contain(content: &[u8], hash: TermHash) -> bool {
    match content.split_at_checked(BinaryFuse8::DESCRIPTOR_LEN) {
        Some((descriptor, fingerprints)) if !fingerprints.is_empty() => {
            BinaryFuse8Ref::from_dma(descriptor, fingerprints).contains(&hash)
        }
        _ => content == NO_FILTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_it_was_built_from_and_little_else() {
        for count in [0u64, 1, 2, 3, 100, HASHES_PER_PAGE * 11 / 10] {
            let hashes: Vec<u64> = (0..count).map(|n| n * 7).collect();
            let content = build(&hashes);
            assert!(content.len() <= CONTENT_BYTES_MAX && content != NO_FILTER);
            assert!(hashes.iter().all(|hash| may_contain(&content, *hash)));
            let wrong = (0..10_000u64).filter(|n| may_contain(&content, n * 7 + 3)).count();
            assert!(wrong < 120, "{wrong} of 10 000 with {count}");
        }
    }

    #[test]
    fn every_hash_has_a_page_and_their_order_is_the_hashes() {
        for pages in [1, 2, 3, 1000, 1 << 20] {
            assert_eq!(page_of(0, pages), 0);
            assert_eq!(page_of((1 << TERM_BITS) - 1, pages), pages - 1);
        }
        assert_eq!(pages_for(0), 0);
    }
}
