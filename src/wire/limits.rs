//! What observing may take of memory, for one session and for all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a message takes that is held until it is settled or confirmed, roughly: its entry and its own texts.
pub(super) const HELD_BYTES: usize = 320;
/// What a consumer or a request takes, roughly: its entry and its own names.
pub(super) const CONSUMER_BYTES: usize = 512;
/// What a content takes that has begun, besides its body and headers, roughly.
pub(super) const UNFINISHED_BYTES: usize = 1280;

/// Bounds of one session. What exceeds one passes unobserved, and is counted into a gap.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a body that are put together: JSON is read whole before it is cut for the journal.
    pub body_bytes_max: usize,
    /// Channels that are followed at a time. Brokers allow 2047 by default.
    pub channels_max: usize,
    /// Contents that have begun and are not complete: one for each channel and direction that is at work.
    pub unfinished_max: usize,
    /// Deliveries whose settlement is waited for. A consumer without a prefetch gets the whole queue at once.
    pub unsettled_max: usize,
    /// Publishes whose confirm is waited for.
    pub unconfirmed_max: usize,
    /// Consumers, and requests for one that are not answered.
    pub consumers_max: usize,
    /// Bytes of bodies in unfinished contents and open transactions.
    pub bytes_max: usize,
    /// Shared by all sessions.
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

/// Two hundred thousand remembered messages, or four sessions full of large bodies.
const ROOM_BYTES_MAX: usize = 64 << 20;

/// Memory that all sessions share, in bytes as they estimate it. A cheap handle.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    taken: AtomicUsize,
    max: usize,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Room(Arc::new(Inner { taken: AtomicUsize::new(0), max: bytes_max }))
    }

    /// What is taken is below the bound.
    pub(super) fn is_left(&self) -> bool {
        self.0.taken.load(Ordering::Relaxed) < self.0.max
    }

    /// Replaces what a session has taken.
    pub(super) fn account(&self, before: usize, now: usize) {
        if now >= before {
            self.0.taken.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.0.taken.fetch_sub(before - now, Ordering::Relaxed);
        }
    }
}
