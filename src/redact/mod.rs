//! Masks an event before any part of it is stored, logged or sent.
//!
//! Owns the detectors, the keyed digests that stand in for masked values, and the fingerprint and body digest of the
//! original. Performs no I/O: the caller gives the key. Does not know the origin of events.
//!
//! `record` calls, in this order: [`Masker::identify`] (over the original), `Correlator::apply`, [`Masker::apply`],
//! [`cut`]. A body is cut only after it was masked, so that no half of a value escapes a detector.
//!
//! | place | masked values |
//! |---|---|
//! | body, JSON | values that a configured path selects, whole, each of several of one name; findings of detectors in strings, names and integers |
//! | body that begins like JSON but is not | everything after a name that ends a configured path; then as text |
//! | body, text or binary | findings of detectors |
//! | body, compressed | not kept, because detectors cannot read it |
//! | headers, properties | configured ones whole; findings of detectors in texts, nested ones included |
//! | routing keys, client name, user, ids, status, texts of returns, gaps and topology events | findings of detectors |
//!
//! Names of virtual hosts, exchanges and queues, and the broker's names of connections, stay as they are.

mod body;
mod detect;
mod event;
mod headers;
mod identity;
mod json;
mod keys;
mod masker;
mod names;
mod paths;
mod text;

pub use event::MaskedBody;
pub use identity::cut;
pub use masker::Masker;

#[cfg(test)]
mod tests;
