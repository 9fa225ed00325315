//! Where things stand: orders, messages, deliveries, alerts, sources and sessions, and why something is stalled.

use super::named::named;

named! {
    /// Where an order or a message stands.
    #[derive(Default)]
    State {
        /// Under way, within its deadlines.
        InFlight = "in_flight",
        /// The order reached a final status; the message reached all its queues' consumers.
        Completed = "completed",
        /// Past a deadline.
        Stalled = "stalled",
        /// Given up by a queue, and nothing has resolved that.
        DeadLettered = "dead_lettered",
        /// Published where nobody listens.
        Unroutable = "unroutable",
        /// What was observed does not tell.
        #[default]
        Unknown = "unknown",
    }
}

named! {
    /// Where a message stands in one queue.
    #[derive(Default)]
    LegState {
        /// Routed to the queue, not delivered.
        #[default]
        Waiting = "waiting",
        /// Given to a consumer; whether it was settled cannot be seen by the sources that are on, or was not observed.
        Delivered = "delivered",
        /// Given to a consumer, and not settled yet.
        Unsettled = "unsettled",
        /// Acknowledged.
        Settled = "settled",
        /// Given up by the queue.
        DeadLettered = "dead_lettered",
        /// Rejected without requeue from a queue whose dead letters nobody saw.
        Dropped = "dropped",
    }
}

named! {
    /// Which kind of thing is stalled.
    #[derive(Default)]
    StalledWhat {
        /// A message in a queue.
        #[default]
        Message = "message",
        /// An order in a status.
        Order = "order",
    }
}

named! {
    /// Why something is stalled.
    #[derive(Default)]
    StalledReason {
        /// A queue has not delivered the message in time.
        #[default]
        Undelivered = "undelivered",
        /// A consumer holds the message for too long.
        Unsettled = "unsettled",
        /// A queue gave the message up.
        DeadLettered = "dead_lettered",
        /// No queue took the message.
        Unroutable = "unroutable",
        /// The order is in its status for too long.
        Status = "status",
    }
}

impl StalledReason {
    /// What is stalled for this reason.
    #[must_use]
    pub fn what(self) -> StalledWhat {
        match self {
            StalledReason::Undelivered
            | StalledReason::Unsettled
            | StalledReason::DeadLettered
            | StalledReason::Unroutable => StalledWhat::Message,
            StalledReason::Status => StalledWhat::Order,
        }
    }
}

named! {
    /// Whether an alert is on.
    #[derive(Default)]
    AlertState {
        /// The condition holds.
        #[default]
        Firing = "firing",
        /// It held, and is over.
        Resolved = "resolved",
    }
}

named! {
    /// Whether a source observes.
    #[derive(Default)]
    SourceState {
        /// Not yet, or not at the moment: being connected.
        #[default]
        Connecting = "connecting",
        /// Observes.
        Live = "live",
        /// Cannot observe; `problems` says why. It is tried again.
        Failed = "failed",
        /// Switched off by configuration, or not available on this broker.
        Off = "off",
    }
}

named! {
    /// Where a session stands.
    #[derive(Default)]
    SessionState {
        /// Connected, not logged in.
        #[default]
        Opening = "opening",
        /// Logged in, its virtual host open.
        Running = "running",
        /// The broker has told the client that it takes nothing for now (`connection.blocked`).
        Blocked = "blocked",
        /// It speaks something else than AMQP 0-9-1, or can no longer be followed: bytes pass, nothing is recorded.
        Unobserved = "unobserved",
        /// One side has said good-bye.
        Closing = "closing",
    }
}
