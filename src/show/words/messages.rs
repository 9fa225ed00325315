//! Every message with its arguments. A method for each is made of it, and a list for the tests.

use std::time::Duration;

use fluent_bundle::FluentArgs;

use crate::model::verdict::{Mention, Turn};
use crate::model::{Str, Timestamp};

use super::language::Words;
use super::time::Unit;

/// The use that a text may make of an argument.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The argument stands in the text.
    Text,
    /// The argument is a number. It stands in the text, or chooses a form of the text.
    Count,
    /// The argument chooses one of these, and does not stand in the text.
    Choice(&'static [&'static str]),
}

/// A value, as one argument of a message or as two: a name, and `…-is`, which chooses the wording.
trait Argument {
    /// The use that a text may make of each argument.
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)>;

    /// Sets the arguments.
    fn set(self, name: &'static str, words: &Words, args: &mut FluentArgs<'_>);
}

type Text<'a> = &'a str;
type Count = u64;
type Moment = Timestamp;
type Length = Duration;
/// A service or client, if it is known.
type Who<'a> = Option<&'a Str>;
type Which<'a> = &'a Mention;
type Whose<'a> = &'a Turn;
/// An exchange, if it is known. The exchange without a name is the default one.
pub(super) struct Exchange<'a>(pub(super) Option<&'a Str>);

macro_rules! messages {
    ($($method:ident($($arg:ident: $kind:ident),*) = $id:literal;)*) => {
        impl Words {
            $(pub(super) fn $method(&self, $($arg: $kind),*) -> String {
                #[allow(unused_mut, reason = "some have no arguments")]
                let mut args = FluentArgs::new();
                $($arg.set(stringify!($arg), self, &mut args);)*
                self.message($id, &args)
            })*
        }

        /// Every message that is used, with its arguments.
        #[cfg(test)]
        pub(super) fn declared() -> Vec<(&'static str, Vec<(String, Kind)>)> {
            vec![$(($id, std::iter::empty()$(.chain(<$kind as Argument>::kinds(stringify!($arg))))*.collect())),*]
        }
    };
}

messages! {
    length_part(count: Count, unit: Unit) = "length-part";
    moment_at(day: Count, month: Count, year: Count, clock: Text) = "moment";
    moment_bare_at(day: Count, month: Count, year: Count, clock: Text) = "moment-bare";

    dead_rejected(consumer: Who, message: Which, queue: Text, times: Count, at: Moment) = "dead-rejected";
    dead_expired(message: Which, queue: Text, times: Count, at: Moment) = "dead-expired";
    dead_maxlen(message: Which, queue: Text, at: Moment) = "dead-maxlen";
    dead_delivery_limit(message: Which, queue: Text, deliveries: Count, at: Moment)
        = "dead-delivery-limit";
    dead_other(message: Which, queue: Text, times: Count, at: Moment, reason: Text) = "dead-other";
    fate_waits() = "fate-waits";
    fate_held(consumer: Who) = "fate-held";
    fate_taken(consumer: Who) = "fate-taken";
    fate_refused(consumer: Who) = "fate-refused";
    fate_given_back(consumer: Who) = "fate-given-back";
    fate_unseen() = "fate-unseen";

    unroutable_lost(publisher: Who, message: Which, exchange: Exchange, key: Text, at: Moment) = "unroutable-lost";
    unroutable_returned(publisher: Who, message: Which, exchange: Exchange, key: Text, at: Moment)
        = "unroutable-returned";
    undelivered(message: Which, queue: Text, lasts: Length, limit: Length) = "undelivered";
    undelivered_given_back(consumer: Who, message: Which, queue: Text, lasts: Length, limit: Length)
        = "undelivered-given-back";
    unsettled(consumer: Who, message: Which, queue: Text, lasts: Length, limit: Length) = "unsettled";
    overdue(status: Text, lasts: Length, limit: Length) = "overdue";

    in_status(status: Text, lasts: Length) = "in-status";
    in_status_left(status: Text, lasts: Length, left: Length) = "in-status-left";
    waiting(message: Which, queues: Count, queue: Text, lasts: Length, limit: Length) = "waiting";
    waiting_given_back(consumer: Who, message: Which, queue: Text, lasts: Length, limit: Length)
        = "waiting-given-back";
    held(consumer: Who, message: Which, queue: Text, lasts: Length, limit: Length) = "held";

    completed(status: Text, at: Moment) = "completed";
    completed_after(status: Text, at: Moment, took: Length, first: Text) = "completed-after";
    but_dead(message: Which, queue: Text) = "but-dead";
    but_unroutable(message: Which) = "but-unroutable";
    but_undelivered(message: Which, queue: Text) = "but-undelivered";
    but_unsettled(consumer: Who, message: Which) = "but-unsettled";
    delivered(consumer: Who, message: Which, queue: Text, at: Moment) = "delivered";
    delivered_finished(consumer: Who, message: Which, queue: Text, at: Moment, held: Length) = "delivered-finished";
    delivered_to_all(consumer: Who, message: Which, queues: Count, at: Moment) = "delivered-to-all";

    out_of_sight(consumer: Who, message: Which, queue: Text, at: Moment) = "out-of-sight";
    refused(consumer: Who, message: Which, queue: Text, at: Moment) = "refused";
    sent(publisher: Who, message: Which, at: Moment) = "sent";
    sent_unconfirmed(publisher: Who, message: Which, at: Moment) = "sent-unconfirmed";
    sent_confirmed(publisher: Who, message: Which, at: Moment) = "sent-confirmed";
    sent_refused(publisher: Who, message: Which, at: Moment) = "sent-refused";
    unobserved() = "unobserved";

    spike_rejected(count: Count, queue: Text, window: Length, threshold: Count) = "spike-rejected";
    spike_expired(count: Count, queue: Text, window: Length, threshold: Count) = "spike-expired";
    spike_maxlen(count: Count, queue: Text, window: Length, threshold: Count) = "spike-maxlen";
    spike_delivery_limit(count: Count, queue: Text, window: Length, threshold: Count) = "spike-delivery-limit";
    spike_other(count: Count, queue: Text, reason: Text, window: Length, threshold: Count) = "spike-other";
    spike_over(spike: Text) = "spike-over";

    turn(turn: Whose) = "whose-turn";
    next_rejected(turn: Whose) = "next-rejected";
    next_expired(queue: Text) = "next-expired";
    next_maxlen(queue: Text) = "next-maxlen";
    next_given_up(queue: Text) = "next-given-up";
    next_dead_held(turn: Whose) = "next-dead-held";
    next_dead_taken(turn: Whose) = "next-dead-taken";
    next_bind(exchange: Exchange, key: Text) = "next-bind";
    next_connect(queue: Text) = "next-connect";
    next_broker_refused() = "next-broker-refused";
    next_unconfirmed(queue: Text) = "next-unconfirmed";
    next_given_back(turn: Whose, times: Count) = "next-given-back";
    next_channel_closed(turn: Whose, times: Count) = "next-channel-closed";
    next_settle(turn: Whose) = "next-settle";
    next_overdue(turn: Whose) = "next-overdue";
    next_overdue_status(status: Text, turn: Whose) = "next-overdue-status";
    next_status(status: Text) = "next-status";
    next_take(turn: Whose) = "next-take";
    next_finish(turn: Whose) = "next-finish";
    next_out_of_sight(turn: Whose) = "next-out-of-sight";
    next_observe() = "next-observe";
    next_unanswered(turn: Whose) = "next-unanswered";
    next_spike(turn: Whose) = "next-spike";
}

impl Argument for Text<'_> {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        vec![(name.to_owned(), Kind::Text)]
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        args.set(name, self.to_owned());
    }
}

impl Argument for Count {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        vec![(name.to_owned(), Kind::Count)]
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        args.set(name, self);
    }
}

impl Argument for Moment {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        Text::kinds(name)
    }

    fn set(self, name: &'static str, words: &Words, args: &mut FluentArgs<'_>) {
        args.set(name, words.moment(self));
    }
}

impl Argument for Length {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        Text::kinds(name)
    }

    fn set(self, name: &'static str, words: &Words, args: &mut FluentArgs<'_>) {
        args.set(name, words.length(self));
    }
}

impl Argument for Unit {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        vec![(name.to_owned(), Kind::Choice(Unit::NAMES))]
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        args.set(name, self.name());
    }
}

impl Argument for Who<'_> {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        named(name, &["known", "unknown"])
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        choose(args, name, if self.is_some() { "known" } else { "unknown" }, self);
    }
}

impl Argument for Which<'_> {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        named(name, &["alone", "of-order", "by-id"])
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        let (choice, id) = match self {
            Mention::Alone => ("alone", None),
            Mention::OfOrder => ("of-order", None),
            Mention::ById(key) => ("by-id", Some(Str::from(key.to_string()))),
        };
        choose(args, name, choice, id.as_ref());
    }
}

impl Argument for Whose<'_> {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        named(name, &["named", "consumer", "publisher", "some-publisher"])
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        let (choice, text) = match self {
            Turn::Named(service) => ("named", Some(service)),
            Turn::ConsumerOf(queue) => ("consumer", Some(queue)),
            Turn::PublisherTo(Some(exchange)) => ("publisher", Some(exchange)),
            Turn::PublisherTo(None) => ("some-publisher", None),
        };
        choose(args, name, choice, text);
    }
}

impl Argument for Exchange<'_> {
    #[cfg(test)]
    fn kinds(name: &str) -> Vec<(String, Kind)> {
        named(name, &["default", "named", "unknown"])
    }

    fn set(self, name: &'static str, _: &Words, args: &mut FluentArgs<'_>) {
        let choice = match self.0 {
            Some(exchange) if exchange.is_empty() => "default",
            Some(_) => "named",
            None => "unknown",
        };
        choose(args, name, choice, self.0);
    }
}

/// Sets a name, which may be unknown, and the argument that chooses its wording.
fn choose(args: &mut FluentArgs<'_>, name: &'static str, choice: &'static str, text: Option<&Str>) {
    args.set(name, text.map_or_else(String::new, |text| text.to_string()));
    args.set(format!("{name}-is"), choice);
}

#[cfg(test)]
fn named(name: &str, choices: &'static [&'static str]) -> Vec<(String, Kind)> {
    vec![(name.to_owned(), Kind::Text), (format!("{name}-is"), Kind::Choice(choices))]
}
