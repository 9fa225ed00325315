//! A run: sorted pairs as pages in the tree `runs`, and a filter in memory.

use sled::Tree;

use crate::journal::block::VALUE_BYTES_MAX;
use crate::journal::error::{AppendError, ReadError};
use crate::journal::term::TermHash;
use crate::journal::varint::{self, Cursor};
use crate::model::Seq;

use super::filter::Filter;
use super::{DISTANCE_BITS, Pair, Recent, block_of, hash_of};

const PAGE: u8 = b'p';
const FILTER: u8 = b'f';
const META: u8 = b'm';
/// Format of pages, filters and what covers them.
const FORMAT: u8 = 1;
/// A page is closed at this length; one more number of ten bytes still fits a value.
const PAGE_BYTES_TARGET: usize = 6 * 1024;
const FILTER_PART_BYTES: usize = 6 * 1024;
/// Against bits that flip, not against people.
const CHECKSUM_BYTES: usize = 8;
/// Values written at a time: bounds the memory that a batch takes.
const BATCH_LEN: usize = 256;

const _: () = assert!(PAGE_BYTES_TARGET + 32 < VALUE_BYTES_MAX && FILTER_PART_BYTES + 32 < VALUE_BYTES_MAX);

/// A written run.
pub(in crate::journal) struct Run {
    number: u32,
    base: Seq,
    last: Seq,
    filter: Option<Filter>,
}

impl Run {
    /// The last event it covers.
    pub(in crate::journal) fn last(&self) -> Seq {
        self.last
    }

    pub(super) fn blocks(&self, pages: &Tree, hash: TermHash, blocks: &mut Vec<Seq>) -> Result<(), ReadError> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(hash)) {
            return Ok(());
        }
        let lowest = hash << DISTANCE_BITS;
        let begin = key(PAGE, self.number, &0u64.to_be_bytes());
        let at = key(PAGE, self.number, &lowest.to_be_bytes());
        let first = match pages.range(begin..=at.clone()).next_back() {
            Some(entry) => entry?.0.to_vec(),
            None => at,
        };
        for entry in pages.range(first..key(PAGE, self.number + 1, &[])) {
            let (key, page) = entry?;
            let mut past = false;
            each_pair(&key, &page, |pair| {
                if hash_of(pair) == hash {
                    blocks.push(block_of(pair, self.base));
                }
                past = hash_of(pair) > hash;
                !past
            })?;
            if past {
                break;
            }
        }
        Ok(())
    }
}

/// Writes the pairs of `recent` as run `number`, up to the event `last`. Durable only when the caller has synced; the
/// run exists from the last value on.
pub(in crate::journal) fn write_run(tree: &Tree, number: u32, recent: &Recent, last: Seq) -> Result<Run, AppendError> {
    let pairs = recent.sorted();
    let mut hashes: Vec<TermHash> = pairs.iter().map(|pair| hash_of(*pair)).collect();
    hashes.dedup();
    let filter = Filter::build(&hashes);
    let encoded = filter.as_ref().map_or(&[][..], Filter::bytes);
    let parts = encoded.chunks(FILTER_PART_BYTES).enumerate();
    let parts = parts.map(|(part, bytes)| (key(FILTER, number, &(part as u16).to_be_bytes()), bytes.to_vec()));
    let mut batch = sled::Batch::default();
    for (count, (key, value)) in pages(number, &pairs).into_iter().chain(parts).enumerate() {
        batch.insert(key, value);
        if count % BATCH_LEN == BATCH_LEN - 1 {
            tree.apply_batch(std::mem::take(&mut batch))?;
        }
    }
    tree.apply_batch(batch)?;
    let base = recent.base().unwrap_or(last);
    let mut meta = vec![FORMAT, u8::from(filter.is_some())];
    [base.0, last.0].iter().for_each(|field| varint::put(&mut meta, *field));
    meta.extend_from_slice(&checksum(&[encoded]));
    meta.extend_from_slice(&checksum(&[&key(META, number, &[]), &meta]));
    tree.insert(key(META, number, &[]), meta)?;
    Ok(Run { number, base, last, filter })
}

/// The runs of a database, in order; what a crash left of unfinished ones is removed.
pub(in crate::journal) fn load_runs(tree: &Tree) -> Result<Vec<Run>, ReadError> {
    let mut runs = Vec::new();
    for entry in tree.scan_prefix([META]) {
        let (key, meta) = entry?;
        let number = key.get(1..5).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let run = number.and_then(|number| load_run(tree, number, &meta));
        runs.push(run.ok_or(ReadError::Index { what: "index" })?);
    }
    let next = runs.last().map_or(0, |run: &Run| run.number + 1);
    for prefix in [PAGE, FILTER] {
        for entry in tree.range(key(prefix, next, &[])..vec![prefix + 1]) {
            tree.remove(entry?.0)?;
        }
    }
    Ok(runs)
}

fn load_run(tree: &Tree, number: u32, meta: &[u8]) -> Option<Run> {
    let (meta, sum) = meta.split_at_checked(meta.len().checked_sub(CHECKSUM_BYTES)?)?;
    if sum != checksum(&[&key(META, number, &[]), meta]) {
        return None;
    }
    let mut cursor = Cursor::new(meta);
    if cursor.byte().ok()? != FORMAT {
        return None;
    }
    let has_filter = cursor.byte().ok()? == 1;
    let (base, last) = (Seq(cursor.varint().ok()?), Seq(cursor.varint().ok()?));
    let mut encoded = Vec::new();
    for entry in tree.scan_prefix(key(FILTER, number, &[])) {
        encoded.extend_from_slice(&entry.ok()?.1);
    }
    if cursor.array().ok()? != checksum(&[&encoded]) {
        return None;
    }
    let filter = if has_filter { Some(Filter::from_bytes(encoded)?) } else { None };
    Some(Run { number, base, last, filter })
}

/// A page's key holds its first pair, its value a checksum and the differences of the following pairs.
fn pages(number: u32, pairs: &[Pair]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pages: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut previous = 0;
    for pair in pairs {
        match pages.last_mut() {
            Some((_, page)) if page.len() < PAGE_BYTES_TARGET => varint::put(page, pair - previous),
            _ => pages.push((key(PAGE, number, &pair.to_be_bytes()), vec![FORMAT])),
        }
        previous = *pair;
    }
    for (key, page) in &mut pages {
        page.extend_from_slice(&checksum(&[key, page]));
    }
    pages
}

/// Calls `each` with the pairs of a page until it says `false`.
fn each_pair(key: &[u8], page: &[u8], mut each: impl FnMut(Pair) -> bool) -> Result<(), ReadError> {
    let damaged = ReadError::Index { what: "index" };
    let first = key.get(5..).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let mut pair = first.ok_or_else(|| damaged.clone())?;
    let split = page.len().checked_sub(CHECKSUM_BYTES).and_then(|at| page.split_at_checked(at));
    let (content, sum) = split.ok_or_else(|| damaged.clone())?;
    let mut cursor = Cursor::new(content);
    if sum != checksum(&[key, content]) || cursor.byte() != Ok(FORMAT) {
        return Err(damaged);
    }
    while each(pair) && !cursor.is_empty() {
        let difference = cursor.varint().map_err(|_| damaged.clone())?;
        pair = pair.checked_add(difference).ok_or_else(|| damaged.clone())?;
    }
    Ok(())
}

/// The beginning of the BLAKE3 hash over the parts.
fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut sum = [0; CHECKSUM_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

fn key(prefix: u8, number: u32, rest: &[u8]) -> Vec<u8> {
    [&[prefix], &number.to_be_bytes()[..], rest].concat()
}
