//! A run file: pages of sorted pairs, pages of filters, and the range that they cover.
//!
//! | part | form |
//! |---|---|
//! | pages of pairs | see [`pairs`](super::pairs) |
//! | pages of filters | see [`filter`](super::filter) |
//! | [`Places`] | of a sealed partition: the places of its blocks, and the strings that they name |
//! | [`Meta`] | JSON |
//! | 8 | checksum over the JSON |
//! | 4 | length of the JSON |
//! | 4 | magic: `HTR1` |

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::journal::error::ReadError;
use crate::journal::retention::Kept;
use crate::journal::sealed::Places;
use crate::journal::statistics::Count;
use crate::journal::sum::{SUM_BYTES, sum};
use crate::journal::term::TermHash;
use crate::model::{Seq, Timestamp};

use super::page::{PAGE_BYTES, Page};
use super::pairs::{Pairs, first_pair};
use super::{DISTANCE_BITS, block_of, filter, hash_of};

/// The newest format this version writes and reads.
pub(super) const FORMAT: u8 = 1;
const MAGIC: [u8; 4] = *b"HTR1";
const TRAILER_BYTES: usize = SUM_BYTES + 8;
/// What a run covers takes a few kilobytes, statistics included.
const META_BYTES_MAX: usize = 4 << 20;

/// What a run covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::journal) struct Meta {
    pub(super) format: u8,
    pub(in crate::journal) first: Seq,
    pub(in crate::journal) last: Seq,
    pub(in crate::journal) first_at: Timestamp,
    pub(in crate::journal) last_at: Timestamp,
    pub(super) pair_pages: u32,
    pub(super) filter_pages: u32,
    pub(super) places_len: u64,
    /// BLAKE3.
    pub(super) places_sum: String,
    /// What was recorded, retention notwithstanding.
    pub(in crate::journal) counts: Vec<Count>,
    /// Of a sealed partition's only run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::journal) seal: Option<Seal>,
}

/// What is known of a partition that takes no more events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::journal) struct Seal {
    /// Hash of the last block as it was recorded: what the next partition continues.
    pub(in crate::journal) hash: String,
    /// Hash of the last block as it is now: retention rewrites blocks.
    pub(in crate::journal) tail: String,
    /// What retention has left.
    pub(in crate::journal) kept: Kept,
    /// How far each source was recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::journal) marks: BTreeMap<String, Timestamp>,
    /// zstd's level of the blocks, where they have been rewritten; 0: as they were recorded.
    #[serde(default)]
    pub(in crate::journal) level: i32,
    /// Ranges that were damaged and could not be salvaged, first and last number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::journal) holes: Vec<(Seq, Seq)>,
}

/// A written run.
#[derive(Debug)]
pub(in crate::journal) struct Run {
    path: PathBuf,
    file: File,
    meta: Meta,
}

impl Run {
    /// Opens a run file and checks what it says it covers.
    pub(in crate::journal) fn open(path: &Path) -> Result<Run, ReadError> {
        let file = File::open(path).map_err(|error| damaged(path, &error))?;
        let meta = read_meta(&file).map_err(|error| damaged(path, &error))?;
        if meta.format > FORMAT {
            return Err(ReadError::NewerRun { path: path.to_owned(), found: meta.format, known: FORMAT });
        }
        Ok(Run { path: path.to_owned(), file, meta })
    }

    pub(in crate::journal) fn meta(&self) -> &Meta {
        &self.meta
    }

    pub(in crate::journal) fn path(&self) -> &Path {
        &self.path
    }

    /// All pairs in order.
    pub(super) fn pairs(&self) -> Pairs<'_> {
        Pairs::new(&self.file, 0..self.meta.pair_pages)
    }

    /// The blocks that may hold the term.
    pub(in crate::journal) fn blocks(&self, hash: TermHash, blocks: &mut Vec<Seq>) -> Result<(), ReadError> {
        self.search(hash, blocks).map_err(|error| damaged(&self.path, &error))
    }

    /// Where the blocks of a sealed partition stand.
    pub(in crate::journal) fn places(&self) -> Result<Places, ReadError> {
        let bytes = self.read_places().map_err(|error| damaged(&self.path, &error))?;
        Places::decode(&bytes).map_err(|_| damaged(&self.path, &io::ErrorKind::InvalidData.into()))
    }

    fn read_places(&self) -> io::Result<Vec<u8>> {
        let Meta { pair_pages, filter_pages, places_len, .. } = self.meta;
        let mut bytes = vec![0; usize::try_from(places_len).map_err(io::Error::other)?];
        let at = (u64::from(pair_pages) + u64::from(filter_pages)) * PAGE_BYTES as u64;
        self.file.read_exact_at(&mut bytes, at)?;
        if blake3::hash(&bytes).to_hex().as_str() == self.meta.places_sum {
            return Ok(bytes);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the places of its blocks are damaged"))
    }

    /// Reads everything: an error where something is damaged.
    pub(in crate::journal) fn verify(&self) -> Result<(), ReadError> {
        let mut page = Page::new();
        let mut check = || {
            self.pairs().try_for_each(|pair| pair.map(drop))?;
            (0..self.meta.filter_pages)
                .try_for_each(|number| page.read(&self.file, self.meta.pair_pages + number).map(drop))?;
            self.read_places().map(drop)
        };
        check().map_err(|error| damaged(&self.path, &error))
    }

    fn search(&self, hash: TermHash, blocks: &mut Vec<Seq>) -> io::Result<()> {
        let Meta { pair_pages, filter_pages, first, .. } = self.meta;
        let mut page = Page::new();
        if filter_pages > 0 {
            let number = pair_pages + filter::page_of(hash, filter_pages);
            if !filter::may_contain(page.read(&self.file, number)?, hash) {
                return Ok(());
            }
        }
        let lowest = hash << DISTANCE_BITS;
        let (mut low, mut high) = (0, pair_pages);
        while low < high {
            let middle = low + (high - low) / 2;
            let content = page.read(&self.file, middle)?;
            let pair = first_pair(content).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            if pair > lowest {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        for pair in Pairs::new(&self.file, low.saturating_sub(1)..pair_pages) {
            let pair = pair?;
            if hash_of(pair) > hash {
                break;
            }
            if hash_of(pair) == hash {
                blocks.push(block_of(pair, first));
            }
        }
        Ok(())
    }
}

/// A file that says something else than it should is damaged; one that cannot be read may only be so for now.
fn damaged(path: &Path, error: &io::Error) -> ReadError {
    if !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) {
        return ReadError::Database(io::Error::new(error.kind(), format!("{}: {error}", path.display())).into());
    }
    ReadError::Run { path: path.to_owned(), reason: error.to_string() }
}

/// The end of a run file.
pub(super) fn write_meta(meta: &Meta) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(meta)?;
    let sum = sum(&[&bytes]);
    let len = bytes.len() as u32;
    bytes.extend_from_slice(&sum);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&MAGIC);
    Ok(bytes)
}

fn read_meta(file: &File) -> io::Result<Meta> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its end is damaged");
    let end = file.metadata()?.len();
    let mut trailer = [0; TRAILER_BYTES];
    let trailer_at = end.checked_sub(TRAILER_BYTES as u64).ok_or_else(damaged)?;
    file.read_exact_at(&mut trailer, trailer_at)?;
    let (expected, rest) = trailer.split_at(SUM_BYTES);
    let (len, magic) = rest.split_at(4);
    let len = u32::from_le_bytes(len.try_into().map_err(|_| damaged())?) as usize;
    let at = trailer_at.checked_sub(len as u64).filter(|_| len <= META_BYTES_MAX && magic == MAGIC);
    let mut json = vec![0; len];
    file.read_exact_at(&mut json, at.ok_or_else(damaged)?)?;
    if sum(&[&json]) != expected {
        return Err(damaged());
    }
    Ok(serde_json::from_slice(&json)?)
}
