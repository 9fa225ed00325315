//! A channel, as both of its ends and the proxy between them know it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use amq_protocol::protocol::AMQPClass;
use hoptrail::model::{Close, Event, Settlement, Side};

use crate::message::Message;

pub(super) struct Channel {
    pub number: u16,
    pub state: State,
    /// Frames that each side has decided to send, in order.
    lines: [VecDeque<Line>; 2],

    // The client's.
    pub opened: bool,
    pub has_declared: bool,
    /// It waits for the answer to a request that makes all tags uncertain.
    pub waits: bool,
    pub tags: BTreeSet<String>,

    // As the proxy sees it.
    pub next_publish: Option<u64>,
    pub unconfirmed: BTreeMap<u64, usize>,
    pub unsettled: BTreeMap<u64, Delivery>,
    pub transaction: Option<Transaction>,
    /// Who has closed it, and how.
    pub close: Option<Close>,
    /// Both sides have closed it.
    pub crossing: bool,
    /// The client has still to answer the broker's.
    pub owes: bool,

    // The broker's.
    /// Requests that have passed and that it has not looked at.
    pub asked: VecDeque<Ask>,
    /// It has decided to close the channel, or to answer the client's good-bye.
    pub gone: bool,
    pub next_delivery: u64,
    pub consumers: BTreeMap<String, Consumer>,
    pub declared: String,
    /// Publishes it has taken and not confirmed.
    pub taken: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// The client has closed it, and waits for the answer.
    ClosedByClient,
    /// The broker has closed it, and waits for the answer.
    ClosedByBroker,
}

/// A frame on its way, and what it makes happen when it passes.
pub(super) struct Line {
    pub bytes: Vec<u8>,
    pub then: Then,
}

pub(super) enum Then {
    Nothing,
    Published {
        event: Box<Event>,
        mandatory: bool,
        message: Rc<Message>,
    },
    Returned(Box<Event>),
    Delivered {
        event: Box<Event>,
        no_ack: bool,
        message: Rc<Message>,
    },
    Confirmed {
        tag: u64,
        how: Settlement,
    },
    Opened,
    Consuming(String),
    Committed,
    RolledBack,
    Recovered,
    /// The broker answers the client's good-bye.
    Closed,
    /// The broker closes the channel.
    Failed {
        code: u16,
        text: String,
    },
    Flow,
}

/// A request to the broker.
pub(super) enum Ask {
    Open,
    Publish {
        number: Option<u64>,
        mandatory: Option<(String, String)>,
        message: Rc<Message>,
    },
    Declare {
        queue: String,
        nowait: bool,
    },
    Consume {
        queue: String,
        tag: String,
        no_ack: bool,
        nowait: bool,
    },
    Cancel {
        tag: String,
        nowait: bool,
    },
    Get {
        queue: String,
        no_ack: bool,
    },
    /// Answered by a method that says nothing of messages.
    Other(AMQPClass),
    Commit,
    Rollback,
    Recover,
    Close,
}

#[derive(Clone)]
pub(super) struct Consumer {
    pub queue: String,
    pub no_ack: bool,
}

/// A delivery that is not settled, and where the list of events has it.
#[derive(Clone)]
pub(super) struct Delivery {
    pub told: usize,
    pub message: Rc<Message>,
}

#[derive(Default)]
pub(super) struct Transaction {
    pub steps: Vec<Step>,
    /// Those whose end was asked for: commits, and rollbacks.
    pub ending: VecDeque<Vec<Step>>,
}

pub(super) enum Step {
    Publish(Box<Event>),
    Settle { deliveries: Vec<(u64, Delivery)>, how: Settlement },
}

impl Channel {
    pub fn new(number: u16) -> Channel {
        Channel {
            number,
            state: State::Open,
            lines: [VecDeque::new(), VecDeque::new()],
            opened: false,
            has_declared: false,
            waits: false,
            tags: BTreeSet::new(),
            next_publish: None,
            unconfirmed: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            transaction: None,
            close: None,
            crossing: false,
            owes: false,
            asked: VecDeque::new(),
            gone: false,
            next_delivery: 0,
            consumers: BTreeMap::new(),
            declared: String::new(),
            taken: BTreeSet::new(),
        }
    }

    pub fn line(&mut self, side: Side) -> &mut VecDeque<Line> {
        &mut self.lines[usize::from(side == Side::Broker)]
    }

    /// Nothing of `side` is on its way.
    pub fn is_quiet(&self, side: Side) -> bool {
        self.lines[usize::from(side == Side::Broker)].is_empty()
    }

    /// The client may begin something.
    pub fn is_free(&self) -> bool {
        self.state == State::Open && self.is_quiet(Side::Client) && !self.waits
    }

    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// What no commit has made final is undone.
    pub fn undo(&mut self, steps: Vec<Step>) {
        for step in steps {
            if let Step::Settle { deliveries, .. } = step {
                self.unsettled.extend(deliveries);
            }
        }
    }

    /// The client's good-bye, or an error, undoes everything that was not committed.
    pub fn undo_all(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            for steps in transaction.ending.into_iter().chain([transaction.steps]) {
                self.undo(steps);
            }
        }
    }

    /// Deliveries that are not settled, those that a transaction would settle included.
    pub fn unsettled_count(&self) -> usize {
        let steps = self.transaction.iter().flat_map(|it| it.ending.iter().flatten().chain(&it.steps));
        let held = steps.map(|step| if let Step::Settle { deliveries, .. } = step { deliveries.len() } else { 0 });
        self.unsettled.len() + held.sum::<usize>()
    }
}
