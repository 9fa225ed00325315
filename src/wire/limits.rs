//! The memory that observing may take, for one session and for all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a message that is held until its settlement or confirm, roughly: its entry and its own texts.
pub(super) const HELD_BYTES: usize = 320;
/// Bytes of a consumer or a request, roughly: its entry and its own names.
pub(super) const CONSUMER_BYTES: usize = 512;
/// Bytes of a content that has begun, roughly, without its body and headers.
pub(super) const UNFINISHED_BYTES: usize = 1280;

/// Bounds of one session. An observation beyond a bound is left out, and counted into a gap.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a body that are put together: JSON is read whole before it is cut for the journal.
    pub body_bytes_max: usize,
    /// Channels that are followed at a time. Brokers allow 2047 by default.
    pub channels_max: usize,
    /// Contents that have begun and are not complete: one for each active channel and direction.
    pub unfinished_max: usize,
    /// Deliveries that await their settlement. A consumer without a prefetch gets the whole queue at once.
    pub unsettled_max: usize,
    /// Publishes that await their confirm.
    pub unconfirmed_max: usize,
    /// Consumers, and unanswered requests for consumers.
    pub consumers_max: usize,
    /// Bytes of bodies in unfinished contents and open transactions.
    pub bytes_max: usize,
    /// The memory that all sessions share.
    pub room: Room,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes_max: 1 << 20,
            channels_max: 8192,
            unfinished_max: 4096,
            unsettled_max: 65_536,
            unconfirmed_max: 65_536,
            consumers_max: 8192,
            bytes_max: 16 << 20,
            room: Room::new(ROOM_BYTES_MAX),
        }
    }
}

/// Enough for two hundred thousand remembered messages, or four sessions full of large bodies.
const ROOM_BYTES_MAX: usize = 64 << 20;

/// Memory that all sessions share, in bytes by their own estimate. A cheap handle.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    taken: AtomicUsize,
    max: usize,
}

impl Room {
    /// Room for this many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Room(Arc::new(Inner { taken: AtomicUsize::new(0), max: bytes_max }))
    }

    /// The taken bytes are below the bound.
    pub(super) fn is_left(&self) -> bool {
        self.0.taken.load(Ordering::Relaxed) < self.0.max
    }

    /// Replaces the bytes that a session has taken.
    pub(super) fn account(&self, before: usize, now: usize) {
        if now >= before {
            self.0.taken.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.0.taken.fetch_sub(before - now, Ordering::Relaxed);
        }
    }
}
