//! What an event is about and where it was observed: closed lists, with the names used everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text names none of the values of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not one of {}", known.join(", "))]
pub struct UnknownName {
    name: String,
    known: &'static [&'static str],
}

/// Declares an enum whose values have one name each, in the journal's order: append only.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$vdoc])* $variant,)* }

        impl $type {
            /// Every value, in the order in which the journal numbers them.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// The names of [`Self::ALL`].
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The name used in the API, in logs and in metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($name => Ok($type::$variant),)*
                    _ => Err(UnknownName { name: text.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        for source in Source::ALL {
            assert_eq!(source.name().parse(), Ok(*source));
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_is_known() {
        let error = "publsh".parse::<Kind>().expect_err("a typing error");
        assert!(error.to_string().starts_with("\"publsh\" is not one of publish, confirm"), "{error}");
    }
}
