//! Blocks: consecutive events, compressed together, each carrying its own checksum and the hash of the one before.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic: `89 48 54 42` |
//! | 1 | format version |
//! | 1 | codec: 0 stored, 1 zstd |
//! | 1 | key id; 0: not encrypted |
//! | 1 | flags; 1: sparse, each event begins with the distance of its seq from the one before |
//! | 8 | first seq |
//! | 4 | number of events |
//! | 4 | last seq, counted from the first |
//! | 8, 8 | time of the first and of the last event, microseconds |
//! | 4 | length of the payload before compression |
//! | 4 | length of the payload as it follows, over all parts |
//! | 32 | hash of the previous block |
//! | 16 | checksum: the beginning of this block's hash |
//! | … | payload |
//!
//! Numbers are little-endian. A block's hash is BLAKE3 over its header without the checksum, and its payload. A payload
//! that does not fit one value goes on in further values, each wrapped for itself.

mod open;
mod pack;

use crate::model::{Seq, Timestamp};

use super::error::ReadError;
use super::value::{ENVELOPE_BYTES, KEY_BYTES_MAX, VALUE_BYTES_MAX, What};
use super::varint::{Cursor, Malformed};

pub(super) use open::{Opened, Opener, open_part, part_place};
pub(super) use pack::{Packer, Sealed};

/// The newest block format this version writes and reads.
const FORMAT: u8 = 1;
const CODEC_STORED: u8 = 0;
const CODEC_ZSTD: u8 = 1;
const FLAG_SPARSE: u8 = 1;
/// Header with checksum.
pub(super) const HEADER_BYTES: usize = 96;
const CHECKSUM_BYTES: usize = 16;
/// Payload in a block's first value.
const PAYLOAD_BYTES_MAX: usize = VALUE_BYTES_MAX - HEADER_BYTES - KEY_BYTES_MAX;
/// Payload in each further value, besides the number of the part.
const PART_BYTES_MAX: usize = VALUE_BYTES_MAX - ENVELOPE_BYTES - KEY_BYTES_MAX - 2;
/// A payload claims to be no larger than this before it is unpacked: the largest event, and room for its headers.
const RAW_BYTES_MAX: usize = 64 << 20;

/// Hash of a block.
pub(super) type Hash = [u8; 32];

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) count: u32,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    raw_len: usize,
    pub(super) stored_len: usize,
    codec: u8,
    sparse: bool,
    pub(super) previous: Hash,
    checksum: [u8; CHECKSUM_BYTES],
}

impl Header {
    /// Values after the first.
    pub(super) fn further_parts(&self) -> u16 {
        self.stored_len.saturating_sub(PAYLOAD_BYTES_MAX).div_ceil(PART_BYTES_MAX) as u16
    }

    /// Bytes of the payload that stand in the first value.
    pub(super) fn first_payload(&self) -> usize {
        self.stored_len.min(PAYLOAD_BYTES_MAX)
    }

    /// Reads the beginning of the first value of the block that should begin at `first`.
    pub(super) fn read(first: Seq, value: &[u8]) -> Result<Header, ReadError> {
        let damaged = |reason| ReadError::Block { seq: first, reason };
        if let (Some(magic), Some(found)) = (value.first_chunk(), value.get(4))
            && *magic == What::Block.magic()
            && *found > FORMAT
        {
            return Err(ReadError::Newer { seq: first, found: *found, known: FORMAT });
        }
        let header = Self::parse(value).map_err(|_| damaged("its header makes no sense"))?;
        if header.first == first { Ok(header) } else { Err(damaged("it is another block")) }
    }

    /// Reads a header wherever it stands. That it is right is only known when its block has been opened.
    pub(super) fn parse(value: &[u8]) -> Result<Header, Malformed> {
        let mut cursor = Cursor::new(value);
        if cursor.array()? != What::Block.magic() || cursor.byte()? != FORMAT {
            return Err(Malformed);
        }
        let codec = cursor.byte()?;
        let _key_id = cursor.byte()?;
        let flags = cursor.byte()?;
        let first = Seq(u64::from_le_bytes(cursor.array()?));
        let count = u32::from_le_bytes(cursor.array()?);
        let span = u32::from_le_bytes(cursor.array()?);
        let header = Header {
            first,
            last: Seq(first.0.checked_add(span.into()).filter(|last| *last < u64::MAX).ok_or(Malformed)?),
            count,
            codec,
            sparse: flags & FLAG_SPARSE != 0,
            first_at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)),
            last_at: Timestamp::from_micros(i64::from_le_bytes(cursor.array()?)),
            raw_len: u32::from_le_bytes(cursor.array()?) as usize,
            stored_len: u32::from_le_bytes(cursor.array()?) as usize,
            previous: cursor.array()?,
            checksum: cursor.array()?,
        };
        let too_large = header.raw_len > RAW_BYTES_MAX || header.stored_len > RAW_BYTES_MAX;
        let count_fits = count > 0 && if header.sparse { count - 1 <= span } else { count - 1 == span };
        if too_large || !count_fits || flags & !FLAG_SPARSE != 0 { Err(Malformed) } else { Ok(header) }
    }
}

fn hash(header: &[u8], payload: &[u8]) -> Hash {
    *blake3::Hasher::new().update(header).update(payload).finalize().as_bytes()
}
