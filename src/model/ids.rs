//! Identities: journal numbers, shared strings, and the key that makes two observations the same message.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A string that many events share: cloning it copies a pointer.
pub type Str = Arc<str>;

/// The number of an event in its journal: dense, from 1. 0 marks an event that is not numbered yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The first number a journal gives out.
    pub const FIRST: Seq = Seq(1);

    /// The number after this one; of the highest, itself.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A keyed digest over a message's body and the properties that the broker leaves alone: joins the observations of a
/// message that carries no message id. 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MessageKey::FINGERPRINT_PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let hex = text.strip_prefix(MessageKey::FINGERPRINT_PREFIX).ok_or(NotAFingerprint)?;
        let number = u128::from_str_radix(hex, 16).map_err(|_| NotAFingerprint)?;
        if hex.len() == 32 { Ok(Fingerprint(number.to_be_bytes())) } else { Err(NotAFingerprint) }
    }
}

/// The text is not `fp:` followed by 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is written fp: and 32 hexadecimal digits")]
pub struct NotAFingerprint;

/// What joins the events of one message: the publisher's message id, else the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKey {
    /// The `message_id` property, as the publisher set it.
    Id(Str),
    /// The publisher set none.
    Fingerprint(Fingerprint),
}

impl MessageKey {
    /// Marks a fingerprint where a message id is expected, as in `/messages/fp:…`.
    pub const FINGERPRINT_PREFIX: &str = "fp:";

    /// Reads the form that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> MessageKey {
        text.parse().map_or_else(|_| MessageKey::Id(text.into()), MessageKey::Fingerprint)
    }
}

/// No message's: stands where none is known.
impl Default for MessageKey {
    fn default() -> Self {
        MessageKey::Id(Str::default())
    }
}

impl FromStr for MessageKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(MessageKey::parse(text))
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageKey::Id(id) => f.write_str(id),
            MessageKey::Fingerprint(fingerprint) => fingerprint.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_what_it_writes() {
        let fingerprint = Fingerprint([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(fingerprint.to_string(), "fp:000102030405060708090a0b0c0d0eff");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(MessageKey::parse(&fingerprint.to_string()), MessageKey::Fingerprint(fingerprint));
    }

    #[test]
    fn no_number_follows_the_highest() {
        assert_eq!((Seq(0).next(), Seq(u64::MAX).next()), (Seq::FIRST, Seq(u64::MAX)));
    }

    #[test]
    fn what_only_looks_like_a_fingerprint_is_a_message_id() {
        for text in ["fp:12", "fp:zz", "m-1", "", "fp:000102030405060708090a0b0c0d0eff0"] {
            assert_eq!(MessageKey::parse(text), MessageKey::Id(text.into()));
        }
    }
}
