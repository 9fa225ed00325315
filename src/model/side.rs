//! The two ends of a client's connection to the broker.

use super::Party;
use super::named::named;

named! {
    /// One end of a session. Of bytes, methods and directions it names the sender.
    Side {
        /// The client.
        Client = "client",
        /// The broker.
        Broker = "broker",
    }
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
}

impl From<Side> for Party {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Party::Client,
            Side::Broker => Party::Broker,
        }
    }
}
