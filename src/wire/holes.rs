//! The parts of a session that passed unobserved: counted while they go on, told as gaps.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Timestamp;

/// A hole that goes on is told at least this often.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// The most pairs of channel and reason that are counted by themselves.
const HOLES_MAX: usize = 64;

/// The reason why something passed unobserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    Unsettled,
    Unconfirmed,
    UnknownConsumer,
    Channels,
    Consumers,
    Unfinished,
    Body,
    Abandoned,
    Transaction,
    Malformed,
    TooLarge,
    Headers,
}

impl Why {
    fn text(self) -> &'static str {
        match self {
            Why::Unsettled => "deliveries are not followed to their settlement: more are unsettled than are remembered",
            Why::Unconfirmed => "publishes are not followed to their confirm: more are unconfirmed than are remembered",
            Why::UnknownConsumer => "deliveries to a consumer that was not seen to subscribe; their queue is not known",
            Why::Channels => "channels were opened and are not followed: there are more than can be",
            Why::Consumers => "consumers or requests are not remembered: there are more than can be",
            Why::Unfinished => "messages were not put together: more had begun at once than can be followed",
            Why::Body => "bodies were recorded in part: the session's unfinished messages are larger than is kept",
            Why::Abandoned => "messages were begun and not completed",
            Why::Transaction => "publishes of a transaction were not recorded: it is larger than is kept",
            Why::Malformed => "methods or messages could not be read",
            Why::TooLarge => "methods or headers were passed over: they are larger than is read",
            Why::Headers => "messages have headers nested too deep, or too many, and were recorded without some",
        }
    }
}

/// Counts by channel and reason.
#[derive(Debug, Default)]
pub(super) struct Holes(BTreeMap<(u16, Why), Hole>);

/// Something that passed unobserved, once or more often.
#[derive(Debug)]
pub(super) struct Hole {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) count: u64,
}

impl Holes {
    /// Notes that something passed unobserved. A session has few channels with trouble at a time. Each hole is told
    /// once, within seconds.
    pub(super) fn note(&mut self, channel: u16, why: Why, at: Timestamp) {
        // Past the bound, all channels are counted together.
        let named = self.0.len() < HOLES_MAX || self.0.contains_key(&(channel, why));
        let hole = self.0.entry((if named { channel } else { 0 }, why)).or_insert(Hole { from: at, to: at, count: 0 });
        hole.to = at;
        hole.count += 1;
    }

    /// The reason that was noted last, among the holes that have not been told.
    pub(super) fn newest(&self) -> Option<&'static str> {
        self.0.iter().max_by_key(|(_, hole)| hole.to).map(|((_, why), _)| why.text())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands out the holes that are due, each with its channel and its reason, and forgets them. At the end `all` are
    /// due.
    pub(super) fn tell(&mut self, all: bool, at: Timestamp, mut told: impl FnMut(u16, &Hole, &str)) {
        self.0.retain(|(channel, why), hole| {
            let due = all || at.since(hole.from) >= TOLD_EVERY;
            if due {
                told(*channel, hole, why.text());
            }
            !due
        });
    }
}
