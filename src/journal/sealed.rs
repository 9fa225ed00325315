//! Reading a sealed partition: its blocks at their places in sled's file, without sled.
//!
//! To read one value, sled reads a leaf of sixteen. It keeps leaves in memory regardless of the size of its cache, and
//! it is slow to open. Nothing moves in the file of a sealed partition. So its index notes the place of each block, and
//! one read gets it. A block that is missing or different is damage like any other: the keeper carves the whole file
//! and writes its findings anew.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::model::{Seq, Str};

use super::block::{HEADER_BYTES, Header, Opened, Opener, open_part};
use super::error::ReadError;
use super::store::FILE;
use super::value::VALUE_BYTES_MAX;
use super::varint::{Cursor, Malformed, put, put_bytes};

/// The place of a block's first value in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    first: Seq,
    /// The number of the last event, counted from the first.
    span: u32,
    offset: u64,
}

impl Place {
    fn range(self) -> (Seq, Seq) {
        (self.first, Seq(self.first.0 + u64::from(self.span)))
    }
}

/// The places of all blocks of a partition, and the strings that the blocks name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Places {
    blocks: Vec<Place>,
    /// The places of the further values of large blocks.
    parts: HashMap<Seq, Vec<u64>>,
    strings: Vec<Str>,
}

impl Places {
    pub(super) fn new(strings: Vec<Str>) -> Self {
        Places { strings, ..Places::default() }
    }

    /// Adds the next block.
    pub(super) fn push(&mut self, first: Seq, last: Seq, offset: u64, parts: Vec<u64>) {
        self.blocks.push(Place { first, span: (last.0 - first.0) as u32, offset });
        if !parts.is_empty() {
            self.parts.insert(first, parts);
        }
    }

    /// The places as bytes: numbers and offsets as differences.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 * self.blocks.len());
        let (mut seq, mut at) = (0, 0);
        let mut offset = |out: &mut Vec<u8>, offset: u64| {
            let difference = offset.wrapping_sub(at) as i64;
            put(out, ((difference << 1) ^ (difference >> 63)) as u64);
            at = offset;
        };
        put(&mut out, self.blocks.len() as u64);
        for place in &self.blocks {
            put(&mut out, place.first.0 - seq);
            seq = place.first.0;
            put(&mut out, place.span.into());
            offset(&mut out, place.offset);
            let parts = self.parts.get(&place.first).map_or(&[][..], Vec::as_slice);
            put(&mut out, parts.len() as u64);
            parts.iter().for_each(|part| offset(&mut out, *part));
        }
        put(&mut out, self.strings.len() as u64);
        self.strings.iter().for_each(|text| put_bytes(&mut out, text.as_bytes()));
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Places, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let mut places = Places::default();
        let (mut seq, mut at) = (0u64, 0u64);
        let mut offset = |cursor: &mut Cursor<'_>| -> Result<u64, Malformed> {
            let zigzag = cursor.varint()?;
            at = at.wrapping_add(((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)) as u64);
            Ok(at)
        };
        for _ in 0..cursor.len()? {
            seq = seq.checked_add(cursor.varint()?).ok_or(Malformed)?;
            let span = u32::try_from(cursor.varint()?).map_err(|_| Malformed)?;
            let last = seq.checked_add(span.into()).ok_or(Malformed)?;
            let place = offset(&mut cursor)?;
            let count = cursor.len()?;
            let parts = (0..count).map(|_| offset(&mut cursor)).collect::<Result<_, _>>()?;
            places.push(Seq(seq), Seq(last), place, parts);
        }
        for _ in 0..cursor.len()? {
            places.strings.push(std::str::from_utf8(cursor.bytes()?).map_err(|_| Malformed)?.into());
        }
        if cursor.is_empty() { Ok(places) } else { Err(Malformed) }
    }
}

/// A sealed partition, open for reading.
#[derive(Debug)]
pub(super) struct SealedStore {
    file: File,
    places: Places,
}

impl SealedStore {
    /// Opens the partition in `dir`.
    pub(super) fn open(dir: &Path, places: Places) -> Result<SealedStore, ReadError> {
        let file = match File::open(dir.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ReadError::Gone { dir: dir.to_owned() });
            }
            Err(error) => return Err(ReadError::Database(error.into())),
        };
        Ok(SealedStore { file, places })
    }

    /// The places of its blocks.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// The first numbers of all blocks, in order.
    pub(super) fn starts(&self) -> Vec<Seq> {
        self.places.blocks.iter().map(|place| place.first).collect()
    }

    /// First and last number of the block that holds `seq`, or of the first one after it.
    pub(super) fn at_or_after(&self, seq: Seq) -> Option<(Seq, Seq)> {
        let blocks = self.places.blocks.get(self.after(seq).saturating_sub(1)..).unwrap_or_default();
        blocks.iter().map(|place| place.range()).find(|(_, last)| *last >= seq)
    }

    /// First and last number of the block that holds `seq`, or of the last one before it.
    pub(super) fn at_or_before(&self, seq: Seq) -> Option<(Seq, Seq)> {
        self.place(seq).map(Place::range)
    }

    /// The header of the block that holds `seq`, or of the last one before it.
    pub(super) fn header_at_or_before(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        let Some(place) = self.place(seq) else { return Ok(None) };
        let (header, value, rest) = self.values(place)?;
        header.verify(&value, &rest)?;
        Ok(Some(header))
    }

    /// Reads and decodes the block that begins at `first`.
    pub(super) fn block(&self, first: Seq, opener: &mut Opener) -> Result<Opened, ReadError> {
        let missing = ReadError::Block { seq: first, reason: "it is not there" };
        let place = self.place(first).filter(|place| place.first == first).ok_or(missing)?;
        let (header, value, rest) = self.values(place)?;
        opener.open(header, &value, &rest, &self.places.strings)
    }

    /// The last block that begins at `seq` or before it.
    fn place(&self, seq: Seq) -> Option<Place> {
        self.after(seq).checked_sub(1).and_then(|index| self.places.blocks.get(index)).copied()
    }

    /// The number of blocks that begin at `seq` or before it.
    fn after(&self, seq: Seq) -> usize {
        self.places.blocks.partition_point(|place| place.first <= seq)
    }

    /// A block's header, which is not verified yet, its first value, and the payload of its further values.
    fn values(&self, place: Place) -> Result<(Header, Vec<u8>, Vec<u8>), ReadError> {
        let first = place.first;
        let damaged = |reason| ReadError::Block { seq: first, reason };
        let mut value = self.read(place.offset)?;
        let header = Header::read(first, &value)?;
        if header.last != place.range().1 {
            return Err(damaged("it is another block"));
        }
        value.truncate(HEADER_BYTES + header.first_payload());
        let mut rest = Vec::new();
        for (offset, part) in self.places.parts.get(&first).into_iter().flatten().zip(1..) {
            let value = self.read(*offset)?;
            rest.extend_from_slice(open_part(first, part, &value).map_err(|_| damaged("a part is not its own"))?);
        }
        Ok((header, value, rest))
    }

    /// The bytes at an offset, as many as a value can have.
    fn read(&self, offset: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; VALUE_BYTES_MAX];
        let mut len = 0;
        while let Some(rest) = bytes.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::Database(error.into())),
            }
        }
        bytes.truncate(len);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_and_half_of_them_do_not() {
        let mut places = Places::new(vec!["mes.orders".into(), "".into(), "Ä".into()]);
        for (first, offset, parts) in [(7, 4096, vec![]), (19, 100, vec![9000, 50]), (1 << 40, u64::MAX, vec![])] {
            places.push(Seq(first), Seq(first + 3), offset, parts);
        }
        let bytes = places.encode();
        assert_eq!(Places::decode(&bytes), Ok(places));
        assert!((0..bytes.len()).all(|len| Places::decode(&bytes[..len]).is_err()));
    }
}
