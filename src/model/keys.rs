//! The keys that join the later events of a message to the one that had its content.

use std::sync::{Arc, OnceLock};

use super::{Fingerprint, Str};

/// What only a message's content tells: a confirm or a settlement has none, and takes these from the publish or the
/// delivery that it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys {
    /// See [`Fingerprint`].
    pub fingerprint: Option<Fingerprint>,
    /// The order.
    pub order_id: Option<Str>,
    /// The customer.
    pub customer_id: Option<Str>,
}

/// The event's part in handing on the keys. They are filled in when the event with the content is made ready to be
/// recorded, which comes before the events that ask for them.
#[derive(Clone, Debug)]
pub enum Link {
    /// The event has the content.
    Gives(Arc<OnceLock<Keys>>),
    /// The event is about a message whose content an earlier one had.
    Takes(Arc<OnceLock<Keys>>),
}
