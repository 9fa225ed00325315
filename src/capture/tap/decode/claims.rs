//! Histories that publishers claim.
//!
//! A client that republishes a dead letter copies its `x-death` along. RabbitMQ 3.x passes it on as it is; 4.x drops it
//! when the message dies again. Seen on a publish it is a claim, and the deliveries of that publish must not count as a
//! death that was missed.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::Event;

/// Claims remembered. Republishing is done by hand or by a retry service, some thousand messages at a time.
const CLAIMS_MAX: usize = 8192;

/// The newest claims, as digests.
#[derive(Default)]
pub(super) struct Claims {
    digests: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Claims {
    /// Remembers the `x-death` of a publish, if it has one.
    pub fn note(&mut self, publish: &Event) {
        let Some(digest) = digest(publish) else { return };
        if self.digests.insert(digest) {
            self.order.push_back(digest);
        }
        while self.order.len() > CLAIMS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.digests.remove(&oldest);
        }
    }

    /// The message's publisher sent this very history.
    pub fn contains(&self, delivery: &Event) -> bool {
        digest(delivery).is_some_and(|digest| self.digests.contains(&digest))
    }
}

/// Over the history and over the message's identity: its id and body. A death changes the history.
fn digest(event: &Event) -> Option<u64> {
    let history = event.header("x-death")?;
    let mut hasher = DefaultHasher::new();
    history.to_json().to_string().hash(&mut hasher);
    event.message_id.hash(&mut hasher);
    event.body.as_ref().map(|body| &body.data).hash(&mut hasher);
    Some(hasher.finish())
}
