//! The envelope of a value in sled: a magic number that names its kind, and a checksum over its place and its content.
//! So a value can be found and trusted in the bytes of a damaged database, without sled.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic: `89 48 54` and the [`What`] |
//! | 8 | its place: first seq of its block, first number of its strings, seq of its commit |
//! | 2 | length of the content |
//! | 8 | checksum over all the others |
//! | … | content |
//!
//! A block's first value has a header of its own, see [`block`](super::block); it begins with the same magic.

use super::sum::{SUM_BYTES, sum};
use super::varint::{Cursor, Malformed};

/// The largest size of a key and its value together. Above it, sled would begin to move values out of their leaves.
pub(super) const VALUE_BYTES_MAX: usize = 7 * 1024;
/// Longest key: see [`store`](super::store).
pub(super) const KEY_BYTES_MAX: usize = 11;
/// The bytes that all magic numbers share. No text begins with the first byte.
pub(super) const MAGIC: [u8; 3] = [0x89, b'H', b'T'];
/// Bytes before the content.
pub(super) const ENVELOPE_BYTES: usize = 22;

/// The kind of a value's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    /// The beginning of a block.
    Block = b'B',
    /// A further part of a block's payload.
    Part = b'P',
    /// Interned strings.
    Strings = b'S',
    /// A mark: the point up to which a source is recorded.
    Mark = b'M',
    /// The end of the journal.
    Head = b'H',
}

impl What {
    /// The kind that the fourth byte of a magic number names.
    pub(super) fn of(byte: u8) -> Option<What> {
        [What::Block, What::Part, What::Strings, What::Mark, What::Head].into_iter().find(|what| *what as u8 == byte)
    }

    /// The magic number.
    pub(super) fn magic(self) -> [u8; 4] {
        let [a, b, c] = MAGIC;
        [a, b, c, self as u8]
    }
}

/// Wraps `content`, which has at most 64 KiB.
pub(super) fn wrap(what: What, place: u64, content: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(ENVELOPE_BYTES + content.len());
    value.extend_from_slice(&what.magic());
    value.extend_from_slice(&place.to_le_bytes());
    value.extend_from_slice(&(content.len() as u16).to_le_bytes());
    let sum = sum(&[&value, content]);
    value.extend_from_slice(&sum);
    value.extend_from_slice(content);
    value
}

/// The place and the content at the beginning of `bytes`. It is an error if they are not the wrapped ones.
pub(super) fn unwrap(what: What, bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut cursor = Cursor::new(bytes);
    let before = bytes.get(..ENVELOPE_BYTES - SUM_BYTES).ok_or(Malformed)?;
    if cursor.array::<4>()? != what.magic() {
        return Err(Malformed);
    }
    let place = u64::from_le_bytes(cursor.array()?);
    let len = u16::from_le_bytes(cursor.array()?);
    let expected: [u8; SUM_BYTES] = cursor.array()?;
    let content = cursor.take(len.into())?;
    if sum(&[before, content]) == expected { Ok((place, content)) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_and_any_flipped_bit_is_seen() {
        let value = wrap(What::Strings, 7, b"mes.orders");
        assert_eq!(unwrap(What::Strings, &value), Ok((7, &b"mes.orders"[..])));
        assert_eq!(unwrap(What::Mark, &value), Err(Malformed));
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unwrap(What::Strings, &flipped), Err(Malformed), "bit {bit}");
        }
        assert!((0..value.len()).all(|len| unwrap(What::Strings, &value[..len]).is_err()));
    }
}
