//! Events as bytes inside a block.
//!
//! An event begins with its kind, its source, the microseconds since the previous event, and a set of fields. Those
//! fields follow, in the order of their bits. The number is not written: a block counts from its first. Names are
//! numbers of interned [`strings`](super::strings) where they have one.
//!
//! Knows nothing of compression, checksums or keys: those are the [`block`](super::block)'s.

mod decode;
mod encode;
mod value;

pub(super) use decode::decode;
pub(super) use encode::encode;

/// Bits of the set of present fields: part of the journal's format, append only.
mod field {
    pub(super) const OBSERVED_LATE: u64 = 1;
    pub(super) const VHOST: u64 = 1 << 1;
    pub(super) const SERVICE: u64 = 1 << 2;
    pub(super) const SESSION: u64 = 1 << 3;
    pub(super) const EXCHANGE: u64 = 1 << 4;
    pub(super) const ROUTING_KEY: u64 = 1 << 5;
    pub(super) const ROUTING_KEYS: u64 = 1 << 6;
    pub(super) const QUEUE: u64 = 1 << 7;
    pub(super) const ROUTED_QUEUES: u64 = 1 << 8;
    pub(super) const MESSAGE_ID: u64 = 1 << 9;
    pub(super) const CORRELATION_ID: u64 = 1 << 10;
    pub(super) const REPLY_TO: u64 = 1 << 11;
    pub(super) const TYPE: u64 = 1 << 12;
    pub(super) const APP_ID: u64 = 1 << 13;
    pub(super) const PROPERTIES: u64 = 1 << 14;
    pub(super) const FINGERPRINT: u64 = 1 << 15;
    pub(super) const ORDER_ID: u64 = 1 << 16;
    pub(super) const CUSTOMER_ID: u64 = 1 << 17;
    pub(super) const STATUS: u64 = 1 << 18;
    pub(super) const REDELIVERED: u64 = 1 << 19;
    pub(super) const REDELIVERED_TRUE: u64 = 1 << 20;
    pub(super) const DELIVERY_TAG: u64 = 1 << 21;
    pub(super) const SETTLEMENT: u64 = 1 << 22;
    pub(super) const RETURNED: u64 = 1 << 23;
    pub(super) const DEATH: u64 = 1 << 24;
    pub(super) const HEADERS: u64 = 1 << 25;
    pub(super) const BODY: u64 = 1 << 26;
    pub(super) const GAP: u64 = 1 << 27;
    pub(super) const TOPOLOGY: u64 = 1 << 28;
    pub(super) const CONSUMER_TAG: u64 = 1 << 29;
    pub(super) const CLOSE: u64 = 1 << 30;
    /// All bits above; further ones mean a later format.
    pub(super) const ALL: u64 = (1 << 31) - 1;
}

/// Bits of the byte in front of a body.
mod body_flag {
    pub(super) const TRUNCATED: u8 = 1;
    pub(super) const CONTENT_TYPE: u8 = 2;
    /// The bytes are those of an earlier event.
    pub(super) const SAME: u8 = 4;
    pub(super) const ALL: u8 = 7;
}

#[cfg(test)]
mod tests;
