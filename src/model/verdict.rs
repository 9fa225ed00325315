//! The verdict: where an order or a message stands, with the facts that tell it. The room `show` puts it into words.

use std::time::Duration;

use super::{AlertState, MessageKey, SettlementKind, State, Str, Timestamp};

/// Where an order or a message stands, or what an alert is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Verdict {
    /// A queue gave a message up.
    DeadLettered(DeadLetter),
    /// No queue took a message.
    Unroutable(Sent),
    /// A queue has not delivered a message in time.
    Undelivered(Wait),
    /// A consumer holds a message for too long.
    Unsettled(Hold),
    /// An order is in its status for too long.
    Overdue(Stay),
    /// An order is in a status, within its limit.
    InStatus(Stay),
    /// A message waits in a queue, within its limit.
    Waiting(Wait),
    /// A consumer holds a message, within its limit.
    Held(Hold),
    /// An order has entered a final status.
    Completed(Completion),
    /// Consumers took a message from all its queues.
    Delivered(Delivery),
    /// A consumer took a message, and how that ended was not observed.
    OutOfSight(Delivery),
    /// A consumer refused a message, and nobody saw it since.
    Refused(Delivery),
    /// A message was sent, and its queues were not observed.
    Sent(Sent),
    /// Nothing but a name was observed.
    #[default]
    Unobserved,
    /// A queue gave up many messages within a short time.
    Spike(Spike),
}

/// Which message a sentence is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mention {
    /// The one that was asked for.
    Alone,
    /// The only one of its order.
    OfOrder,
    /// One among several.
    ById(MessageKey),
}

/// A message that a queue gave up.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Which message.
    pub message: Mention,
    /// The queue that gave it up.
    pub queue: Str,
    /// Why, in RabbitMQ's word: `rejected`, `expired`, `maxlen`, `delivery_limit`.
    pub reason: Str,
    /// How often the queue has given it up for this reason.
    pub times: u64,
    /// How often it was delivered before.
    pub deliveries: u64,
    /// Who had been given it last.
    pub consumer: Option<Str>,
    /// When the queue gave it up.
    pub at: Timestamp,
    /// What became of it since.
    pub fate: Fate,
}

/// What became of a dead letter.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// Nobody has taken it.
    Waits,
    /// A consumer has it now.
    Held(Option<Str>),
    /// A consumer took it, and does not have it any more as far as is known.
    Taken(Option<Str>),
    /// A consumer took it and refused it.
    Refused(Option<Str>),
    /// A consumer took it and gave it back.
    GivenBack(Option<Str>),
    /// Where the broker sent it was not observed.
    Unseen,
}

/// A message that a publisher sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Which message.
    pub message: Mention,
    /// Who sent it.
    pub publisher: Option<Str>,
    /// Where to; empty for the default exchange.
    pub exchange: Option<Str>,
    /// With which key.
    pub routing_key: Option<Str>,
    /// When it was sent, or first seen.
    pub at: Timestamp,
    /// What the broker told the publisher.
    pub answer: Answer,
}

/// What the broker told a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing that was seen; the publisher may not have asked.
    Unknown,
    /// The publisher asked, and was not told yet.
    Awaited,
    /// The broker took responsibility.
    Confirmed,
    /// The broker refused the message.
    Refused,
    /// The broker gave the message back, as no queue took it (`basic.return`).
    Returned,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// Which message.
    pub message: Mention,
    /// The queue that it waits in.
    pub queue: Str,
    /// How many queues it waits in.
    pub queues: u64,
    /// Since when.
    pub since: Timestamp,
    /// How long that is.
    pub lasts: Duration,
    /// How long it may wait.
    pub limit: Duration,
    /// The consumer that gave it back, where it had been taken before.
    pub given_back: Option<GivenBack>,
    /// What the broker told the publisher.
    pub answer: Answer,
}

/// A message that a consumer holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Which message.
    pub message: Mention,
    /// Who holds it.
    pub consumer: Option<Str>,
    /// The queue that it came from.
    pub queue: Str,
    /// Since when.
    pub since: Timestamp,
    /// How long that is.
    pub lasts: Duration,
    /// How long it may be held.
    pub limit: Duration,
}

/// A message that a consumer gave back to its queue.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenBack {
    /// Who did.
    pub consumer: Option<Str>,
    /// How often it was given back.
    pub times: u64,
    /// How, the last time.
    pub kind: SettlementKind,
}

/// An order in a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Stay {
    /// The status.
    pub status: Str,
    /// Since when.
    pub since: Timestamp,
    /// How long that is.
    pub lasts: Duration,
    /// How long it may stay there.
    pub limit: Option<Duration>,
    /// The status that is declared after it.
    pub follows: Option<Str>,
    /// Where the newest of its messages is, as far as that is known.
    pub newest: Option<Newest>,
}

/// Where the newest message of an order is.
#[derive(Clone, Debug, PartialEq)]
pub enum Newest {
    /// It waits in a queue.
    Waits(Str, Option<GivenBack>),
    /// A consumer has it: who, and from which queue.
    Held(Option<Str>, Str),
    /// A consumer took it, and is done with it or was not seen to be.
    Taken(Option<Str>, Str),
    /// A consumer refused it.
    Refused(Option<Str>, Str),
    /// A consumer took it, and how that ended was not observed.
    OutOfSight(Option<Str>, Str),
}

/// An order that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Its final status.
    pub status: Str,
    /// When it entered its final status.
    pub at: Timestamp,
    /// Its first status, and how long before that was.
    pub first: Option<(Str, Duration)>,
    /// The worst that is wrong with one of its messages all the same.
    pub but: Option<Box<Verdict>>,
}

/// A message that consumers took.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Which message.
    pub message: Mention,
    /// Who took it last.
    pub consumer: Option<Str>,
    /// From which queue.
    pub queue: Str,
    /// From how many queues it was taken.
    pub queues: u64,
    /// When it was taken last.
    pub at: Timestamp,
    /// How long it was held until it was acknowledged, where that was seen.
    pub held: Option<Duration>,
}

/// Many dead letters within a short time.
#[derive(Clone, Debug, PartialEq)]
pub struct Spike {
    /// Whether it goes on.
    pub state: AlertState,
    /// The queue that gave the messages up.
    pub queue: Str,
    /// Why, in RabbitMQ's word.
    pub reason: Str,
    /// How many, at most.
    pub count: u64,
    /// How many are a spike.
    pub threshold: u64,
    /// Within which time.
    pub window: Duration,
    /// When it began.
    pub since: Timestamp,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A service, or a client by the name that it gives itself.
    Named(Str),
    /// Whoever consumes the queue.
    ConsumerOf(Str),
    /// Whoever publishes to the exchange, where that is known.
    PublisherTo(Option<Str>),
}

/// A verdict in words of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What happened, in at most 25 words.
    pub headline: String,
    /// Who must act now.
    pub whose_turn: Option<String>,
    /// What usually comes next, or what to do.
    pub next: Option<String>,
}

impl Verdict {
    /// The state that this puts an order or a message into.
    #[must_use]
    pub fn state(&self) -> State {
        match self {
            Verdict::DeadLettered(_) | Verdict::Spike(_) => State::DeadLettered,
            Verdict::Unroutable(_) => State::Unroutable,
            Verdict::Undelivered(_) | Verdict::Unsettled(_) | Verdict::Overdue(_) => State::Stalled,
            Verdict::InStatus(_) | Verdict::Waiting(_) | Verdict::Held(_) => State::InFlight,
            Verdict::Completed(_) | Verdict::Delivered(_) => State::Completed,
            Verdict::OutOfSight(_) | Verdict::Refused(_) | Verdict::Sent(_) | Verdict::Unobserved => State::Unknown,
        }
    }

    /// Since when it stands there.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Verdict::DeadLettered(dead) => Some(dead.at),
            Verdict::Unroutable(sent) | Verdict::Sent(sent) => Some(sent.at),
            Verdict::Undelivered(wait) | Verdict::Waiting(wait) => Some(wait.since),
            Verdict::Unsettled(hold) | Verdict::Held(hold) => Some(hold.since),
            Verdict::Overdue(stay) | Verdict::InStatus(stay) => Some(stay.since),
            Verdict::Completed(completion) => Some(completion.at),
            Verdict::Delivered(taken) | Verdict::OutOfSight(taken) | Verdict::Refused(taken) => Some(taken.at),
            Verdict::Unobserved => None,
            Verdict::Spike(spike) => Some(spike.since),
        }
    }

    /// How long it may stand there.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        match self {
            Verdict::Undelivered(wait) | Verdict::Waiting(wait) => Some(wait.limit),
            Verdict::Unsettled(hold) | Verdict::Held(hold) => Some(hold.limit),
            Verdict::Overdue(stay) | Verdict::InStatus(stay) => stay.limit,
            _ => None,
        }
    }

    /// Who must act now; nobody, where all is done.
    #[must_use]
    pub fn whose_turn(&self) -> Option<Turn> {
        match self {
            Verdict::DeadLettered(dead) => Some(dead.whose_turn()),
            Verdict::Unroutable(sent) | Verdict::Sent(sent) => Some(sent.whose_turn()),
            Verdict::Undelivered(wait) | Verdict::Waiting(wait) => {
                Some(consumer(wait.given_back.as_ref().and_then(|back| back.consumer.as_ref()), &wait.queue))
            }
            Verdict::Unsettled(hold) | Verdict::Held(hold) => Some(consumer(hold.consumer.as_ref(), &hold.queue)),
            Verdict::Overdue(stay) | Verdict::InStatus(stay) => Some(stay.newest.as_ref()?.whose_turn()),
            Verdict::Completed(completion) => completion.but.as_ref()?.whose_turn(),
            Verdict::OutOfSight(taken) | Verdict::Refused(taken) => {
                Some(consumer(taken.consumer.as_ref(), &taken.queue))
            }
            Verdict::Delivered(_) | Verdict::Unobserved => None,
            Verdict::Spike(spike) => Some(Turn::ConsumerOf(spike.queue.clone())),
        }
    }
}

impl DeadLetter {
    fn whose_turn(&self) -> Turn {
        let had_it = self.consumer.as_ref().filter(|_| matches!(&*self.reason, "rejected" | "delivery_limit"));
        match &self.fate {
            Fate::Held(Some(taker)) | Fate::Taken(Some(taker)) | Fate::Refused(Some(taker)) => {
                Turn::Named(taker.clone())
            }
            _ => consumer(had_it, &self.queue),
        }
    }
}

impl Sent {
    fn whose_turn(&self) -> Turn {
        match &self.publisher {
            Some(publisher) => Turn::Named(publisher.clone()),
            None => Turn::PublisherTo(self.exchange.clone().filter(|exchange| !exchange.is_empty())),
        }
    }
}

impl Newest {
    fn whose_turn(&self) -> Turn {
        match self {
            Newest::Waits(queue, back) => consumer(back.as_ref().and_then(|back| back.consumer.as_ref()), queue),
            Newest::Held(who, queue)
            | Newest::Taken(who, queue)
            | Newest::Refused(who, queue)
            | Newest::OutOfSight(who, queue) => consumer(who.as_ref(), queue),
        }
    }
}

/// A consumer by its name, or by its queue.
fn consumer(name: Option<&Str>, queue: &Str) -> Turn {
    name.map_or_else(|| Turn::ConsumerOf(queue.clone()), |name| Turn::Named(name.clone()))
}
