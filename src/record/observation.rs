//! The observation that a capture hands over, and the receipt that tells the capture that the event is durable.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{Event, Link, Source, Str};

/// An observed event without number, keys and mask. The recorder adds them.
#[derive(Debug)]
pub struct Observation {
    /// The event.
    pub event: Event,
    /// The receipt, which is given when the event is durable.
    pub receipt: Option<Receipt>,
    /// Whether the broker has delivered the event before. It is left out if the journal's newest events hold it
    /// already.
    pub maybe_repeated: bool,
    /// The virtual host and source of the capture that saw the event. Their mark moves on with the event. A broker
    /// event is about one virtual host and is seen in another. `None`: the event is hoptrail's own.
    pub origin: Option<(Str, Source)>,
    /// The event's part in handing on the keys from a message's content.
    pub link: Option<Link>,
}

impl Observation {
    /// An observation without a receipt: no capture waits for it.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Observation { event, receipt: None, maybe_repeated: false, origin: None, link: None }
    }
}

/// The receipt for a channel: everything up to `tag` is durable.
#[derive(Debug)]
pub struct Receipt {
    /// The channel's watermark.
    pub watermark: Watermark,
    /// Delivery tag.
    pub tag: u64,
}

/// The highest delivery tag of one channel up to which everything is durable.
#[derive(Clone, Debug)]
pub struct Watermark(Arc<watch::Sender<u64>>);

impl Watermark {
    /// A watermark of a channel on which nothing is durable yet.
    #[must_use]
    pub fn new() -> Self {
        Watermark(Arc::new(watch::Sender::new(0)))
    }

    /// The highest durable tag; 0: none.
    #[must_use]
    pub fn durable(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits until more than `seen` is durable. Returns the highest durable tag.
    pub async fn above(&self, seen: u64) -> u64 {
        let mut changes = self.0.subscribe();
        loop {
            let durable = *changes.borrow_and_update();
            if durable > seen {
                return durable;
            }
            if changes.changed().await.is_err() {
                // The sender lives as long as `self`.
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn raise(&self, tag: u64) {
        self.0.send_if_modified(|durable| {
            let raised = tag > *durable;
            *durable = tag.max(*durable);
            raised
        });
    }
}

impl Default for Watermark {
    fn default() -> Self {
        Self::new()
    }
}
