//! Reads AMQP's primitive values out of bytes (AMQP 0-9-1, section 4.2.5). It copies nothing and never panics.

/// The bytes break the protocol's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The bytes that are left to read.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Bytes(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// `shortstr`: at most 255 bytes.
    pub(super) fn short(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// `longstr`, and the inside of a table or an array.
    pub(super) fn long(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| Malformed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_network_order() {
        let mut bytes = Bytes::new(&[1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 2, b'o', b'k', 0, 0, 0, 1, b'x']);
        assert_eq!((bytes.u8(), bytes.u16(), bytes.u32(), bytes.u64()), (Ok(1), Ok(2), Ok(3), Ok(4)));
        assert_eq!((bytes.short(), bytes.long()), (Ok(&b"ok"[..]), Ok(&b"x"[..])));
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for bytes in [&[][..], &[5, b'a'], &[255, 255, 255, 255, 1]] {
            let cursor = Bytes::new(bytes);
            assert_eq!((cursor.clone().short(), cursor.clone().long()), (Err(Malformed), Err(Malformed)), "{bytes:?}");
        }
    }
}
