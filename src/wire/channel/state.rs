//! The observed state of a channel.

use crate::model::{Close, Timestamp};
use crate::wire::consumers::Consumers;
use crate::wire::content::Unfinished;
use crate::wire::held::Holding;
use crate::wire::transaction::Transaction;

/// The observed state of a channel.
#[derive(Debug)]
pub(in crate::wire) struct Channel {
    pub(super) number: u16,
    /// One for each direction: from the client, from the broker.
    pub(super) unfinished: [Option<Box<Unfinished>>; 2],
    pub(super) consumers: Consumers,
    pub(super) deliveries: Holding,
    pub(super) publishes: Holding,
    /// In confirm mode, the number of the next publish.
    pub(super) next_publish: Option<u64>,
    pub(super) transaction: Option<Box<Transaction>>,
    /// The close by one side, until the other side has answered.
    pub(super) closing: Option<Close>,
    /// Nothing more happens on the channel.
    pub(super) released: bool,
}

impl Channel {
    pub(in crate::wire) fn new(number: u16) -> Self {
        Channel {
            number,
            unfinished: [None, None],
            consumers: Consumers::default(),
            deliveries: Holding::default(),
            publishes: Holding::default(),
            next_publish: None,
            transaction: None,
            closing: None,
            released: false,
        }
    }

    pub(in crate::wire) fn oldest_unsettled_at(&self) -> Option<Timestamp> {
        self.deliveries.oldest_at()
    }
}
