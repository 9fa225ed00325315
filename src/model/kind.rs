//! What an event is about and where it was observed. The journal numbers both lists: values are only added at the end.

use super::named::named;

named! {
    /// What happened.
    Kind {
        /// A client gave the broker a message.
        Publish = "publish",
        /// The broker took responsibility for a publish (`basic.ack` to the publisher), or refused it.
        Confirm = "confirm",
        /// The broker gave a `mandatory` publish back (`basic.return`).
        Return = "return",
        /// The broker gave a message to a consumer.
        Deliver = "deliver",
        /// A consumer acknowledged, or rejected, a delivery.
        Settle = "settle",
        /// A queue gave up a message: rejected, expired, over its length or its delivery limit.
        DeadLetter = "dead_letter",
        /// A publish that no queue took.
        Unroutable = "unroutable",
        /// A client connected.
        SessionOpen = "session_open",
        /// A client's connection ended.
        SessionClose = "session_close",
        /// An exchange, queue, binding, policy or permission changed.
        Topology = "topology",
        /// Something was not observed.
        Gap = "gap",
    }
}

named! {
    /// Where an event was observed.
    Source {
        /// A tap's queue bound to an application's exchange.
        Binding = "binding",
        /// A tap's queue bound to a dead-letter exchange.
        DeadLetter = "dead_letter",
        /// The tracing exchange `amq.rabbitmq.trace`.
        Firehose = "firehose",
        /// The event exchange `amq.rabbitmq.event`.
        Events = "events",
        /// The inline proxy.
        Proxy = "proxy",
        /// hoptrail itself: gaps and what it noticed about its own work.
        Hoptrail = "hoptrail",
    }
}
