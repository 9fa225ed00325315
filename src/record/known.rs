//! Bodies that were prepared a short while ago. A message is mostly delivered soon after its publish, and to several
//! queues. A search for the same things in the same body again is most of the cost of an event.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::correlate::Findings;
use crate::model::{Event, Seq};
use crate::redact::MaskedBody;

/// Bytes of bodies that are remembered: some thousands of ordinary ones, which is a moment's worth.
const BYTES_MAX: usize = 4 << 20;
/// Bytes of an entry besides its body.
const ENTRY_BYTES: usize = 512;

/// Shorter bodies are stored with each event: reading another event for them costs more than their bytes.
const SHARED_BYTES_MIN: usize = 64;

/// The results of a body's preparation.
pub(super) struct KnownBody {
    pub(super) findings: Findings,
    pub(super) masked: MaskedBody,
    /// The event in the journal that holds the body's bytes.
    stored: Option<Seq>,
}

impl KnownBody {
    pub(super) fn new(findings: Findings, masked: MaskedBody) -> Self {
        KnownBody { findings, masked, stored: None }
    }
}

/// Bodies by their digests, the oldest evicted first. Two bodies with one digest are equal: the digest is 128 bits of
/// BLAKE3 with hoptrail's own key.
#[derive(Default)]
pub(super) struct KnownBodies {
    bodies: HashMap<[u8; 16], KnownBody, RandomState>,
    order: VecDeque<[u8; 16]>,
    bytes: usize,
    /// No event refers to one before this.
    oldest: Seq,
}

impl KnownBodies {
    pub(super) fn get_mut(&mut self, digest: &[u8; 16]) -> Option<&mut KnownBody> {
        self.bodies.get_mut(digest)
    }

    /// Makes `oldest` the earliest event that later events may refer to.
    pub(super) fn refer_from(&mut self, oldest: Seq) {
        self.oldest = oldest;
    }

    /// The event that holds the body's bytes.
    pub(super) fn stored(&self, digest: &[u8; 16]) -> Option<Seq> {
        self.bodies.get(digest)?.stored.filter(|seq| *seq >= self.oldest)
    }

    /// Notes the number under which the event will be stored. The event holds the bytes, unless it refers to another.
    pub(super) fn note(&mut self, event: &Event, seq: Seq) {
        let own = event.body.as_ref().filter(|body| body.same_as.is_none() && body.data.len() >= SHARED_BYTES_MIN);
        if let Some(known) = own.and_then(|body| self.bodies.get_mut(&body.digest)) {
            known.stored = Some(seq);
        }
    }

    pub(super) fn remember(&mut self, digest: [u8; 16], body: KnownBody) {
        let bytes = cost(&body);
        if bytes > BYTES_MAX / 4 {
            // The earlier result was masked otherwise. The digest stays in the queue until its turn comes.
            self.bytes -= self.bodies.remove(&digest).as_ref().map_or(0, cost);
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
