//! Blocks to events.

use crate::journal::codec;
use crate::journal::error::ReadError;
use crate::journal::value::{ENVELOPE_BYTES, What, unwrap};
use crate::journal::varint::{Cursor, Malformed};
use crate::model::{Event, Seq, Str};

use super::{CHECKSUM_BYTES, CODEC_STORED, CODEC_ZSTD, HEADER_BYTES, Hash, Header, hash};

/// Unpacks blocks.
pub(in crate::journal) struct Opener {
    decompressor: zstd::bulk::Decompressor<'static>,
}

/// A block's events, and its hash.
pub(in crate::journal) struct Opened {
    pub(in crate::journal) header: Header,
    pub(in crate::journal) events: Vec<Event>,
    pub(in crate::journal) hash: Hash,
}

impl Opener {
    pub(in crate::journal) fn new() -> Result<Self, ReadError> {
        let decompressor = zstd::bulk::Decompressor::new();
        Ok(Opener { decompressor: decompressor.map_err(|_| ReadError::Index { what: "decompressor" })? })
    }

    /// Checks and decodes a block from its first value and the payload of its further ones.
    pub(in crate::journal) fn open(
        &mut self,
        header: Header,
        value: &[u8],
        rest: &[u8],
        strings: &[Str],
    ) -> Result<Opened, ReadError> {
        let damaged = |reason| ReadError::Block { seq: header.first, reason };
        let joined;
        let mut payload = value.get(HEADER_BYTES..).ok_or(damaged("its header is cut"))?;
        if !rest.is_empty() {
            joined = [payload, rest].concat();
            payload = &joined;
        }
        let hash = header.verify_joined(value, payload)?;
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

impl Header {
    /// The block's hash, where its checksum fits its first value and the payload of its further ones.
    pub(in crate::journal) fn verify(&self, value: &[u8], rest: &[u8]) -> Result<Hash, ReadError> {
        let payload = value.get(HEADER_BYTES..).unwrap_or_default();
        if rest.is_empty() {
            self.verify_joined(value, payload)
        } else {
            self.verify_joined(value, &[payload, rest].concat())
        }
    }

    fn verify_joined(&self, value: &[u8], payload: &[u8]) -> Result<Hash, ReadError> {
        let damaged = |reason| ReadError::Block { seq: self.first, reason };
        if payload.len() != self.stored_len {
            return Err(damaged("its payload is not as long as its header says"));
        }
        let hash = hash(value.get(..HEADER_BYTES - CHECKSUM_BYTES).unwrap_or_default(), payload);
        if hash.starts_with(&self.checksum) { Ok(hash) } else { Err(damaged("its checksum does not fit")) }
    }
}

/// The payload in a further value: part `number` of the block at `first`.
pub(in crate::journal) fn open_part(first: Seq, number: u16, value: &[u8]) -> Result<&[u8], Malformed> {
    let (place, content) = unwrap(What::Part, value)?;
    let (part, payload) = content.split_first_chunk().ok_or(Malformed)?;
    if place == first.0 && u16::from_le_bytes(*part) == number { Ok(payload) } else { Err(Malformed) }
}

/// Of which block a further value claims to hold which part; that it is right only [`open_part`] knows.
pub(in crate::journal) fn part_place(value: &[u8]) -> Option<(Seq, u16)> {
    let place = value.get(4..)?.first_chunk()?;
    let part = value.get(ENVELOPE_BYTES..)?.first_chunk()?;
    Some((Seq(u64::from_le_bytes(*place)), u16::from_le_bytes(*part)))
}

fn decode_all(header: &Header, raw: &[u8], strings: &[Str]) -> Result<Vec<Event>, Malformed> {
    let mut cursor = Cursor::new(raw);
    let mut events = Vec::with_capacity((header.count as usize).min(raw.len()));
    let (mut seq, mut at) = (header.first, header.first_at);
    for number in 0..header.count {
        if header.sparse {
            seq = Seq(seq.0.checked_add(cursor.varint()?).ok_or(Malformed)?);
        } else if number > 0 {
            seq = seq.next();
        }
        let event = codec::decode(&mut cursor, seq, at, strings)?;
        at = event.at;
        events.push(event);
    }
    if cursor.is_empty() && seq == header.last { Ok(events) } else { Err(Malformed) }
}
