//! Which of the blocks that were found count.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::journal::block::Hash;
use crate::journal::store::Head;
use crate::model::{Seq, Str};

use super::carve::{Candidate, Carved};

/// The blocks that count, in order, and the strings they name.
pub(super) struct Chosen<'a> {
    pub(super) blocks: Vec<&'a Candidate>,
    pub(super) strings: Vec<Str>,
}

/// A block whose checksum fits.
struct Sound<'a> {
    candidate: &'a Candidate,
    hash: Hash,
    /// Blocks that follow it by their hashes, itself included.
    chain: u64,
}

/// Follows the chain from where the journal ended before; over holes with the block that the longest chain follows.
/// Behind `known_last` only what the chain holds counts: the rest was never acknowledged.
pub(super) fn choose(carved: &Carved, before: Head, known_last: Option<Seq>) -> Chosen<'_> {
    let sound = sound(carved);
    let mut by_first: BTreeMap<Seq, Vec<&Sound<'_>>> = BTreeMap::new();
    for block in &sound {
        by_first.entry(block.candidate.header.first).or_default().push(block);
    }
    let (mut last, mut hash) = (before.last, before.hash);
    let mut blocks = Vec::new();
    let mut hashes = HashSet::new();
    for (first, group) in by_first {
        if first <= last {
            continue;
        }
        let follows = |block: &&&Sound<'_>| block.candidate.header.previous == hash;
        let by_chain = group.iter().filter(follows).max_by_key(|block| block.chain);
        let by_length = || {
            let may_count = known_last.is_none_or(|known| first <= known);
            group.iter().max_by_key(|block| block.chain).filter(|_| may_count)
        };
        if let Some(block) = by_chain.or_else(by_length) {
            (last, hash) = (block.candidate.header.last, block.hash);
            hashes.insert(prefix(hash));
            blocks.push(block.candidate);
        }
    }
    Chosen { blocks, strings: strings(carved, &hashes) }
}

fn prefix(hash: Hash) -> [u8; 16] {
    hash.first_chunk().copied().unwrap_or_default()
}

/// The blocks with the lengths of the chains that begin with them.
fn sound(carved: &Carved) -> Vec<Sound<'_>> {
    let sound = carved.sound.iter().map(|(hash, candidate)| Sound { candidate, hash: *hash, chain: 0 });
    let mut sound: Vec<Sound<'_>> = sound.collect();
    sound.sort_by_key(|block| block.candidate.header.first);
    let mut chain_after: HashMap<Hash, u64> = HashMap::new();
    for block in sound.iter_mut().rev() {
        block.chain = 1 + chain_after.get(&block.hash).copied().unwrap_or_default();
        let longest = chain_after.entry(block.candidate.header.previous).or_default();
        *longest = block.chain.max(*longest);
    }
    sound
}

/// The string table as far as it is known. Of several strings with one number those count that were committed with a
/// block that counts.
fn strings(carved: &Carved, hashes: &HashSet<[u8; 16]>) -> Vec<Str> {
    let mut table: Vec<Str> = Vec::new();
    let mut by_number: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for found in &carved.found_strings {
        by_number.entry(found.first).or_default().push(found);
    }
    for (first, group) in by_number {
        let same = group.windows(2).all(|pair| matches!(pair, [a, b] if a.strings == b.strings));
        let counts = |found: &&&_| -> bool {
            let found: &super::carve::FoundStrings = found;
            same || hashes.contains(&found.with)
        };
        let Some(found) = group.iter().find(counts) else { continue };
        if first as usize != table.len() {
            // What names a string behind a hole cannot be read.
            break;
        }
        table.extend(found.strings.iter().cloned());
    }
    table
}
