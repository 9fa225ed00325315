//! The decoder of one source.

use super::claims::Claims;
use super::{Arrival, BoundDeadLetterExchanges, Decoded, broker_event, firehose, message};
use crate::capture::tap::clients::Clients;
use crate::model::{Source, Str};

/// Turns the deliveries of one source of one vhost into events.
pub(in crate::capture::tap) struct Decoder {
    source: Source,
    vhost: Str,
    pub(super) clients: Clients,
    pub(super) bound: BoundDeadLetterExchanges,
    claims: Claims,
}

impl Decoder {
    /// A decoder for `source` in `vhost`.
    pub fn new(source: Source, vhost: Str, clients: Clients, bound: BoundDeadLetterExchanges) -> Self {
        Decoder { source, vhost, clients, bound, claims: Claims::default() }
    }

    /// The events of one delivery.
    pub fn decode(&mut self, arrival: Arrival) -> Decoded {
        match self.source {
            Source::Events => broker_event::decode(&arrival, &self.clients),
            Source::Firehose => {
                let context = firehose::Context { vhost: &self.vhost, clients: &self.clients, bound: &self.bound };
                Decoded { events: firehose::decode(arrival, &context, &mut self.claims), changed: None }
            }
            source => Decoded { events: message::decode(arrival, source, &self.vhost), changed: None },
        }
    }
}
