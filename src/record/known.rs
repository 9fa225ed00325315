//! Bodies that were made ready a short while ago: what is published is mostly delivered soon after, and to several
//! queues, and to look for the same things in the same body again is most of what an event costs.

use std::collections::{HashMap, VecDeque};

use crate::correlate::Findings;
use crate::redact::MaskedBody;

/// Bytes of bodies that are remembered: some thousands of ordinary ones, which is a moment's worth.
const BYTES_MAX: usize = 8 << 20;
/// What an entry takes besides its body.
const ENTRY_BYTES: usize = 512;

/// What is known of a body.
pub(super) struct KnownBody {
    pub(super) findings: Findings,
    pub(super) masked: MaskedBody,
}

/// Bodies by their digests, the oldest let go first. Two bodies with one digest are equal: it is 128 bits of BLAKE3
/// with a key of ours.
#[derive(Default)]
pub(super) struct KnownBodies {
    bodies: HashMap<[u8; 16], KnownBody>,
    order: VecDeque<[u8; 16]>,
    bytes: usize,
}

impl KnownBodies {
    pub(super) fn get_mut(&mut self, digest: &[u8; 16]) -> Option<&mut KnownBody> {
        self.bodies.get_mut(digest)
    }

    pub(super) fn remember(&mut self, digest: [u8; 16], body: KnownBody) {
        let bytes = cost(&body);
        if bytes > BYTES_MAX / 4 {
            return;
        }
        self.bytes += bytes;
        match self.bodies.insert(digest, body) {
            Some(before) => self.bytes -= cost(&before),
            None => self.order.push_back(digest),
        }
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.bodies.remove(&oldest).as_ref().map_or(0, cost);
        }
    }
}

fn cost(body: &KnownBody) -> usize {
    body.masked.bytes() + ENTRY_BYTES
}
