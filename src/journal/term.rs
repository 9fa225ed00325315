//! The terms that the index can find.

use crate::model::{Event, Fingerprint, Kind, Str};

/// A question to the index: the events that carry this term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// Order id.
    OrderId(Str),
    /// Message id.
    MessageId(Str),
    /// Correlation id.
    CorrelationId(Str),
    /// Fingerprint.
    Fingerprint(Fingerprint),
    /// A rare kind: see [`Term::is_rare`].
    Kind(Kind),
    /// A rare kind with the event's queue; of a dead letter the queue that gave the message up.
    KindQueue(Kind, Str),
}

/// A term in the index: the upper 36 bits of a hash. A thousand million terms give one wrong hit in seventy, which
/// costs the decoding of a block; [`Term::matches`] has the last word.
pub(super) type TermHash = u64;

/// Values up to this length are hashed without a hasher.
const SHORT_BYTES: usize = 63;

/// Bits of a [`TermHash`].
pub(super) const TERM_BITS: u32 = 36;

impl Term {
    /// Whether events of this kind are few among many, and therefore in the index.
    #[must_use]
    pub fn is_rare(kind: Kind) -> bool {
        use Kind::{DeadLetter, Gap, Return, SessionClose, SessionOpen, Topology, Unroutable};
        matches!(kind, DeadLetter | Gap | Return | Unroutable | SessionOpen | SessionClose | Topology)
    }

    /// Whether the event carries the term.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Term::OrderId(id) => event.order_id.as_ref() == Some(id),
            Term::MessageId(id) => event.message_id.as_ref() == Some(id),
            Term::CorrelationId(id) => event.correlation_id.as_ref() == Some(id),
            Term::Fingerprint(fingerprint) => event.fingerprint.as_ref() == Some(fingerprint),
            Term::Kind(kind) => event.kind == *kind,
            Term::KindQueue(kind, queue) => event.kind == *kind && event.queue.as_ref() == Some(queue),
        }
    }

    /// Every term that the event has in the index.
    pub(super) fn of(event: &Event) -> impl Iterator<Item = Term> {
        let rare = Some(event.kind).filter(|kind| Term::is_rare(*kind));
        [
            event.order_id.clone().map(Term::OrderId),
            event.message_id.clone().map(Term::MessageId),
            event.correlation_id.clone().map(Term::CorrelationId),
            event.fingerprint.map(Term::Fingerprint),
            rare.map(Term::Kind),
            rare.zip(event.queue.clone()).map(|(kind, queue)| Term::KindQueue(kind, queue)),
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn hash(&self) -> TermHash {
        match self {
            Term::OrderId(id) => hash(1, id.as_bytes()),
            Term::MessageId(id) => hash(2, id.as_bytes()),
            Term::CorrelationId(id) => hash(3, id.as_bytes()),
            Term::Fingerprint(fingerprint) => hash(4, &fingerprint.0),
            Term::Kind(kind) => hash(5, kind.name().as_bytes()),
            Term::KindQueue(kind, queue) => hash(kind_queue_field(*kind), queue.as_bytes()),
        }
    }
}

/// Calls `each` with every term of the event.
pub(super) fn for_each_term(event: &Event, mut each: impl FnMut(TermHash)) {
    let mut text = |field, value: &Option<Str>| {
        if let Some(value) = value {
            each(hash(field, value.as_bytes()));
        }
    };
    text(1, &event.order_id);
    text(2, &event.message_id);
    text(3, &event.correlation_id);
    if Term::is_rare(event.kind) {
        text(kind_queue_field(event.kind), &event.queue);
        each(hash(5, event.kind.name().as_bytes()));
    }
    if let Some(fingerprint) = &event.fingerprint {
        each(hash(4, &fingerprint.0));
    }
}

fn kind_queue_field(kind: Kind) -> u8 {
    16 + kind as u8
}

/// The hash is part of the journal's format: BLAKE3 over the field's number and the value.
fn hash(field: u8, value: &[u8]) -> TermHash {
    // Ids are short. Hashing them at one go is several times as fast as through a hasher.
    let mut both = [field; SHORT_BYTES + 1];
    let hash = match both.get_mut(1..=value.len()) {
        Some(place) => {
            place.copy_from_slice(value);
            blake3::hash(both.get(..=value.len()).unwrap_or_default())
        }
        None => blake3::Hasher::new().update(&[field]).update(value).finalize(),
    };
    u64::from_be_bytes(*hash.as_bytes().first_chunk().unwrap_or(&[0; 8])) >> (64 - TERM_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_format_s_whatever_the_length() {
        for len in [0, 1, SHORT_BYTES - 1, SHORT_BYTES, SHORT_BYTES + 1, 1000] {
            let value = vec![b'x'; len];
            let mut bytes = [0; 8];
            blake3::Hasher::new().update(&[7]).update(&value).finalize_xof().fill(&mut bytes);
            assert_eq!(hash(7, &value), u64::from_be_bytes(bytes) >> (64 - TERM_BITS), "{len}");
        }
    }
}
