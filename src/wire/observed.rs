//! The result of observing: events, and the trait of their recipients.

use crate::model::{Event, Link};

/// An event, and its part in handing on the keys of its message.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The event.
    pub event: Event,
    /// See [`Link`].
    pub link: Option<Link>,
}

/// Takes events as they are told. One method can tell thousands at once. A sink may pass each on before the next is
/// made.
pub trait Sink {
    /// Takes the next event.
    fn push(&mut self, observed: Observed);
}

impl Sink for Vec<Observed> {
    fn push(&mut self, observed: Observed) {
        self.push(observed);
    }
}
