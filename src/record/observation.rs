//! An observation as a capture hands it over, and the receipt that tells the capture that it is durable.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{Event, Link, Source, Str};

/// An observed event without number, keys and mask: those are given to it on the way.
#[derive(Debug)]
pub struct Observation {
    /// The event.
    pub event: Event,
    /// Told when the event is durable.
    pub receipt: Option<Receipt>,
    /// The broker has delivered it before: it is left out where the journal's newest events hold it already.
    pub maybe_repeated: bool,
    /// The virtual host and source of the capture that saw it, whose mark moves on with it: a broker event is about one
    /// virtual host and is seen in another. `None` for what hoptrail itself has to tell.
    pub origin: Option<(Str, Source)>,
    /// Its part in handing on what a message's content tells.
    pub link: Option<Link>,
}

impl Observation {
    /// An observation that nobody waits for.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Observation { event, receipt: None, maybe_repeated: false, origin: None, link: None }
    }
}

/// Whom to tell, and what: everything up to `tag` is durable.
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
    /// Nothing is durable yet.
    #[must_use]
    pub fn new() -> Self {
        Watermark(Arc::new(watch::Sender::new(0)))
    }

    /// The highest durable tag; 0: none.
    #[must_use]
    pub fn durable(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits until more than `seen` is durable; how much is.
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
