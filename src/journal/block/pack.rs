//! Events to blocks.

use crate::journal::codec;
use crate::journal::strings::Interner;
use crate::journal::value::{What, wrap};
use crate::journal::varint::put;
use crate::model::{Event, Seq, Timestamp};

use super::{
    CHECKSUM_BYTES, CODEC_STORED, CODEC_ZSTD, FLAG_SPARSE, FORMAT, HEADER_BYTES, Hash, Header, Opened, PART_BYTES_MAX,
    PAYLOAD_BYTES_MAX, hash,
};

/// What the packer aims at: a little room, so that few blocks come out too large and have to be packed again.
const PAYLOAD_BYTES_TARGET: usize = PAYLOAD_BYTES_MAX * 15 / 16;
/// Level 1: at level 3 the same blocks come out 4 % smaller and take twice the time.
const ZSTD_LEVEL: i32 = 1;

/// A block ready to be written.
#[derive(Debug)]
pub(in crate::journal) struct Sealed {
    pub(in crate::journal) first: Seq,
    pub(in crate::journal) count: u32,
    pub(in crate::journal) hash: Hash,
    /// Its values: the header with the beginning of the payload, then the wrapped rest.
    pub(in crate::journal) values: Vec<Vec<u8>>,
}

impl Sealed {
    /// A block that was opened, as it was: its first value, and the payload of the further ones.
    pub(in crate::journal) fn again(opened: &Opened, value: Vec<u8>, rest: &[u8]) -> Sealed {
        let Header { first, count, .. } = opened.header;
        Sealed { first, count, hash: opened.hash, values: values(first, value, rest) }
    }
}

/// Packs events into blocks that fit their values.
pub(in crate::journal) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
    stored: Vec<u8>,
    raw_target: usize,
    oldest: Seq,
}

impl Packer {
    pub(in crate::journal) fn new() -> std::io::Result<Self> {
        Self::with_level(ZSTD_LEVEL)
    }

    /// A packer that takes more time, for less room.
    pub(in crate::journal) fn with_level(level: i32) -> std::io::Result<Self> {
        let compressor = zstd::bulk::Compressor::new(level)?;
        let (raw_target, oldest) = (3 * PAYLOAD_BYTES_TARGET, Seq::default());
        Ok(Packer { compressor, raw: Vec::new(), stored: Vec::new(), raw_target, oldest })
    }

    /// Packs numbered events of a partition that begins at `oldest`; `previous` is the hash of the block before and
    /// becomes that of the last one.
    pub(in crate::journal) fn pack(
        &mut self,
        mut events: &[Event],
        oldest: Seq,
        interner: &mut Interner,
        previous: &mut Hash,
    ) -> Vec<Sealed> {
        self.oldest = oldest;
        let mut blocks = Vec::new();
        while !events.is_empty() {
            let sparse = is_sparse(events);
            let count = self.encode(events, sparse, interner, self.raw_target);
            let (taken, rest) = events.split_at(count);
            self.seal(taken, sparse, interner, previous, &mut blocks);
            events = rest;
        }
        blocks
    }

    /// Encodes events until `raw_target` is reached, at least one; how many were.
    fn encode(&mut self, events: &[Event], sparse: bool, interner: &mut Interner, raw_target: usize) -> usize {
        self.raw.clear();
        let (mut seq, mut at) = events.first().map_or(Default::default(), |event| (event.seq, event.at));
        for (count, event) in events.iter().enumerate() {
            if count > 0 && self.raw.len() >= raw_target {
                return count;
            }
            if sparse {
                put(&mut self.raw, event.seq.0 - seq.0);
                seq = event.seq;
            }
            codec::encode(event, at, self.oldest, interner, &mut self.raw);
            at = event.at;
        }
        events.len()
    }

    /// Seals what is in `raw`, which is `events`; in two halves where it does not fit one value.
    fn seal(
        &mut self,
        events: &[Event],
        sparse: bool,
        interner: &mut Interner,
        previous: &mut Hash,
        blocks: &mut Vec<Sealed>,
    ) {
        let codec = self.compress();
        if self.stored.len() > PAYLOAD_BYTES_MAX && events.len() > 1 {
            self.raw_target = (self.raw_target * 7 / 8).max(PAYLOAD_BYTES_TARGET / 4);
            let (left, right) = events.split_at(events.len() / 2);
            for half in [left, right] {
                self.encode(half, sparse, interner, usize::MAX);
                self.seal(half, sparse, interner, previous, blocks);
            }
            return;
        }
        self.aim();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let mut header = Vec::with_capacity(HEADER_BYTES + self.stored.len().min(PAYLOAD_BYTES_MAX));
        header.extend_from_slice(&What::Block.magic());
        header.extend_from_slice(&[FORMAT, codec, 0, if sparse { FLAG_SPARSE } else { 0 }]);
        header.extend_from_slice(&first.seq.0.to_le_bytes());
        header.extend_from_slice(&(events.len() as u32).to_le_bytes());
        header.extend_from_slice(&((last.seq.0 - first.seq.0) as u32).to_le_bytes());
        let times: [Timestamp; 2] = [first.at, last.at];
        times.iter().for_each(|at| header.extend_from_slice(&at.as_micros().to_le_bytes()));
        header.extend_from_slice(&(self.raw.len() as u32).to_le_bytes());
        header.extend_from_slice(&(self.stored.len() as u32).to_le_bytes());
        header.extend_from_slice(previous);
        let hash = hash(&header, &self.stored);
        header.extend(hash.iter().take(CHECKSUM_BYTES));
        *previous = hash;
        let (begin, rest) = self.stored.split_at(self.stored.len().min(PAYLOAD_BYTES_MAX));
        header.extend_from_slice(begin);
        blocks.push(Sealed {
            first: first.seq,
            count: events.len() as u32,
            hash,
            values: values(first.seq, header, rest),
        });
    }

    fn compress(&mut self) -> u8 {
        self.stored.clear();
        self.stored.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        let compressed = self.compressor.compress_to_buffer(&self.raw, &mut self.stored);
        if compressed.is_ok_and(|len| len < self.raw.len()) {
            return CODEC_ZSTD;
        }
        self.stored.clear();
        self.stored.extend_from_slice(&self.raw);
        CODEC_STORED
    }

    /// Moves the target a quarter of the way to what would have filled this block; small last blocks say nothing.
    fn aim(&mut self) {
        if self.raw.len() >= self.raw_target && !self.stored.is_empty() {
            let fitting = self.raw.len() * PAYLOAD_BYTES_TARGET / self.stored.len();
            let fitting = fitting.clamp(PAYLOAD_BYTES_TARGET / 4, 32 * PAYLOAD_BYTES_TARGET);
            self.raw_target = (3 * self.raw_target + fitting) / 4;
        }
    }
}

/// Retention has taken some of the events.
fn is_sparse(events: &[Event]) -> bool {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return false };
    last.seq.0 - first.seq.0 != events.len() as u64 - 1
}

/// The first value, and the rest of the payload wrapped in further ones.
fn values(first: Seq, value: Vec<u8>, rest: &[u8]) -> Vec<Vec<u8>> {
    let wrap_part = |(chunk, part): (&[u8], u16)| {
        let content = [&part.to_le_bytes(), chunk].concat();
        wrap(What::Part, first.0, &content)
    };
    std::iter::once(value).chain(rest.chunks(PART_BYTES_MAX).zip(1..).map(wrap_part)).collect()
}
