//! The two ends of a client's connection to the broker.

use super::Party;

/// One end of a session. Of bytes, methods and directions it names the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client.
    Client,
    /// The broker.
    Broker,
}

impl Side {
    /// The one at the other end.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Broker,
            Side::Broker => Side::Client,
        }
    }

    /// In sentences and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Broker => "broker",
        }
    }
}

impl From<Side> for Party {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Party::Client,
            Side::Broker => Party::Broker,
        }
    }
}
