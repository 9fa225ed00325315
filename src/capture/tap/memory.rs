//! The state of one source of one vhost that outlives its connections.

use super::decode::{BoundDeadLetterExchanges, Decoder};
use super::ledger::Ledger;
use super::tracing_switch::Switch;
use crate::model::{Source, Str, Timestamp};
use crate::record::Recorder;

/// The state of a source from one connection to the next.
pub(super) struct Memory {
    pub source: Source,
    pub vhost: Str,
    pub decoder: Decoder,
    pub bound: BoundDeadLetterExchanges,
    pub switch: Switch,
    pub ledger: Ledger,
    /// Why the source was blind; told by the gap that ends the blindness.
    pub outage: Option<String>,
    /// Everything up to this moment had been delivered.
    pub complete_until: Option<Timestamp>,
}

impl Memory {
    /// For a source that has not been connected yet.
    pub fn new(source: Source, vhost: Str, decoder: Decoder, bound: BoundDeadLetterExchanges) -> Self {
        Memory {
            source,
            vhost,
            decoder,
            bound,
            switch: Switch::default(),
            ledger: Ledger::default(),
            outage: None,
            complete_until: None,
        }
    }

    /// Nothing before this moment is missing, as far as is known; earlier runs included.
    pub fn known_until(&self, recorder: &Recorder) -> Option<Timestamp> {
        self.complete_until.or_else(|| recorder.mark(&self.vhost, self.source).map(|mark| mark.at))
    }
}
