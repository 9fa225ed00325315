//! Blocks: consecutive events, compressed together, each carrying its own checksum and the hash of the one before.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format version |
//! | 1 | codec: 0 stored, 1 zstd |
//! | 1 | key id; 0: not encrypted |
//! | 4 | number of events |
//! | 8, 8 | time of the first and of the last event, microseconds |
//! | 4 | length of the payload before compression |
//! | 4 | length of the payload as it follows, over all parts |
//! | 32 | hash of the previous block |
//! | 16 | checksum: the beginning of this block's hash |
//! | … | payload |
//!
//! Numbers are little-endian. A block's hash is BLAKE3 over its first seq, its header without the checksum, and its
//! payload. A payload that does not fit one value goes on in further parts, which are payload only.

use crate::model::{Event, Seq, Str, Timestamp};

use super::codec;
use super::error::ReadError;
use super::strings::Interner;
use super::varint::Cursor;

/// What a key and its value may have together; above it, sled would begin to move values out of their leaves.
pub(super) const VALUE_BYTES_MAX: usize = 7 * 1024;
/// The newest block format this version writes and reads.
const FORMAT: u8 = 1;
const CODEC_STORED: u8 = 0;
const CODEC_ZSTD: u8 = 1;
/// Header with checksum.
const HEADER_BYTES: usize = 79;
const CHECKSUM_BYTES: usize = 16;
/// Longest key in front of a block.
const KEY_BYTES: usize = 11;
/// Payload in one value.
const PAYLOAD_BYTES_MAX: usize = VALUE_BYTES_MAX - HEADER_BYTES - KEY_BYTES;
/// What the packer aims at: a little room, so that few blocks come out too large and have to be packed again.
const PAYLOAD_BYTES_TARGET: usize = PAYLOAD_BYTES_MAX * 15 / 16;
/// Level 1: at level 3 the same blocks come out 4 % smaller and take twice the time.
const ZSTD_LEVEL: i32 = 1;
/// A payload claims to be no larger than this before it is unpacked: the largest event, and room for its headers.
const RAW_BYTES_MAX: usize = 64 << 20;

/// Hash of a block.
pub(super) type Hash = [u8; 32];

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) first: Seq,
    pub(super) count: u32,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    raw_len: usize,
    stored_len: usize,
    codec: u8,
    pub(super) previous: Hash,
    checksum: [u8; CHECKSUM_BYTES],
}

impl Header {
    /// Number of the block's last event.
    pub(super) fn last(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.count) - 1)
    }

    /// Parts after the first.
    pub(super) fn further_parts(&self) -> u16 {
        let beyond = self.stored_len.saturating_sub(PAYLOAD_BYTES_MAX);
        beyond.div_ceil(PAYLOAD_BYTES_MAX) as u16
    }

    /// Reads the beginning of a block's first value.
    pub(super) fn read(first: Seq, value: &[u8]) -> Result<Header, ReadError> {
        let damaged = |reason| ReadError::Block { seq: first, reason };
        let mut cursor = Cursor::new(value);
        let found = cursor.byte().map_err(|_| damaged("it is empty"))?;
        if found > FORMAT {
            return Err(ReadError::Newer { seq: first, found, known: FORMAT });
        }
        let header = Self::read_fields(first, &mut cursor).map_err(|_| damaged("its header is cut"))?;
        let too_large = header.raw_len > RAW_BYTES_MAX || header.stored_len > RAW_BYTES_MAX;
        if header.count == 0 || too_large || first.0.checked_add(u64::from(header.count)).is_none() {
            return Err(damaged("its header makes no sense"));
        }
        Ok(header)
    }

    fn read_fields(first: Seq, cursor: &mut Cursor<'_>) -> Result<Header, super::varint::Malformed> {
        let codec = cursor.byte()?;
        let _key_id = cursor.byte()?;
        Ok(Header {
            first,
            codec,
            count: u32::from_le_bytes(cursor.array()?),
            first_at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)),
            last_at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)),
            raw_len: u32::from_le_bytes(cursor.array()?) as usize,
            stored_len: u32::from_le_bytes(cursor.array()?) as usize,
            previous: cursor.array()?,
            checksum: cursor.array()?,
        })
    }
}

/// A block ready to be written.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) first: Seq,
    pub(super) count: u32,
    pub(super) parts: Vec<Vec<u8>>,
}

/// Packs events into blocks that fit their values.
pub(super) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
    stored: Vec<u8>,
    raw_target: usize,
}

impl Packer {
    pub(super) fn new() -> std::io::Result<Self> {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        Ok(Packer { compressor, raw: Vec::new(), stored: Vec::new(), raw_target: 3 * PAYLOAD_BYTES_TARGET })
    }

    /// Packs numbered events; `previous` is the hash of the block before and becomes that of the last one.
    pub(super) fn pack(&mut self, mut events: &[Event], interner: &mut Interner, previous: &mut Hash) -> Vec<Sealed> {
        let mut blocks = Vec::new();
        while !events.is_empty() {
            let count = self.encode(events, interner, self.raw_target);
            let (taken, rest) = events.split_at(count);
            self.seal(taken, interner, previous, &mut blocks);
            events = rest;
        }
        blocks
    }

    /// Encodes events until `raw_target` is reached, at least one; how many were.
    fn encode(&mut self, events: &[Event], interner: &mut Interner, raw_target: usize) -> usize {
        self.raw.clear();
        let mut at = events.first().map_or(Timestamp::default(), |event| event.at);
        for (count, event) in events.iter().enumerate() {
            if count > 0 && self.raw.len() >= raw_target {
                return count;
            }
            codec::encode(event, at, interner, &mut self.raw);
            at = event.at;
        }
        events.len()
    }

    /// Seals what is in `raw`, which is `events`; in two halves where it does not fit one value.
    fn seal(&mut self, events: &[Event], interner: &mut Interner, previous: &mut Hash, blocks: &mut Vec<Sealed>) {
        let codec = self.compress();
        if self.stored.len() > PAYLOAD_BYTES_MAX && events.len() > 1 {
            self.raw_target = (self.raw_target * 7 / 8).max(PAYLOAD_BYTES_TARGET / 4);
            let (left, right) = events.split_at(events.len() / 2);
            for half in [left, right] {
                self.encode(half, interner, usize::MAX);
                self.seal(half, interner, previous, blocks);
            }
            return;
        }
        self.aim();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&[FORMAT, codec, 0]);
        header.extend_from_slice(&(events.len() as u32).to_le_bytes());
        header.extend_from_slice(&first.at.as_micros().to_le_bytes());
        header.extend_from_slice(&last.at.as_micros().to_le_bytes());
        header.extend_from_slice(&(self.raw.len() as u32).to_le_bytes());
        header.extend_from_slice(&(self.stored.len() as u32).to_le_bytes());
        header.extend_from_slice(previous);
        let hash = hash(first.seq, &header, &self.stored);
        header.extend(hash.iter().take(CHECKSUM_BYTES));
        *previous = hash;
        blocks.push(Sealed { first: first.seq, count: events.len() as u32, parts: parts(header, &self.stored) });
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

fn parts(mut header: Vec<u8>, payload: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = payload.chunks(PAYLOAD_BYTES_MAX);
    header.extend_from_slice(chunks.next().unwrap_or_default());
    std::iter::once(header).chain(chunks.map(<[u8]>::to_vec)).collect()
}

fn hash(first: Seq, header: &[u8], payload: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&first.0.to_be_bytes()).update(header).update(payload);
    *hasher.finalize().as_bytes()
}

/// Unpacks blocks.
pub(super) struct Opener {
    decompressor: zstd::bulk::Decompressor<'static>,
}

/// A block's events, and its hash.
pub(super) struct Opened {
    pub(super) header: Header,
    pub(super) events: Vec<Event>,
    pub(super) hash: Hash,
}

impl Opener {
    pub(super) fn new() -> Result<Self, ReadError> {
        let decompressor = zstd::bulk::Decompressor::new();
        Ok(Opener { decompressor: decompressor.map_err(|_| ReadError::Index { what: "decompressor" })? })
    }

    /// Checks and decodes a block from its first value and the rest of its payload.
    pub(super) fn open(
        &mut self,
        header: Header,
        value: &[u8],
        rest: &[u8],
        strings: &[Str],
    ) -> Result<Opened, ReadError> {
        let damaged = |reason| ReadError::Block { seq: header.first, reason };
        let (head, begin) = value.split_at_checked(HEADER_BYTES).ok_or(damaged("its header is cut"))?;
        let joined;
        let payload = if rest.is_empty() {
            begin
        } else {
            joined = [begin, rest].concat();
            &joined
        };
        if payload.len() != header.stored_len {
            return Err(damaged("its payload is not as long as its header says"));
        }
        let hash = hash(header.first, head.get(..HEADER_BYTES - CHECKSUM_BYTES).unwrap_or_default(), payload);
        if !hash.starts_with(&header.checksum) {
            return Err(damaged("its checksum does not fit"));
        }
        let unpacked;
        let raw = match header.codec {
            CODEC_STORED => payload,
            CODEC_ZSTD => {
                let result = self.decompressor.decompress(payload, header.raw_len);
                unpacked = result.map_err(|_| damaged("it does not unpack"))?;
                &unpacked
            }
            _ => return Err(damaged("its codec is unknown")),
        };
        let events = decode_all(&header, raw, strings).map_err(|_| damaged("its events do not decode"))?;
        Ok(Opened { header, events, hash })
    }
}

fn decode_all(header: &Header, raw: &[u8], strings: &[Str]) -> Result<Vec<Event>, super::varint::Malformed> {
    let mut cursor = Cursor::new(raw);
    let mut events = Vec::with_capacity((header.count as usize).min(raw.len()));
    let mut at = header.first_at;
    for number in 0..u64::from(header.count) {
        let mut event = codec::decode(&mut cursor, at, strings)?;
        event.seq = Seq(header.first.0 + number);
        at = event.at;
        events.push(event);
    }
    if cursor.is_empty() { Ok(events) } else { Err(super::varint::Malformed) }
}
