//! One channel: what its methods and contents say, in both directions.

use super::consumers::Consumers;
use super::content::{Purpose, Unfinished};
use super::held::{Held, Holding, tell};
use super::holes::Why;
use super::method::Method;
use super::scene::Scene;
use super::transaction::{Outcome, Step, Transaction};
use super::{Observed, Sink, table::text};
use crate::model::{Close, Event, Kind, Party, Return, Settlement, SettlementKind, Side, Timestamp, Topology};

/// What a publish takes in a transaction besides its body and its headers.
const STEP_BYTES: usize = 1024;

/// The reply code of an ordinary good-bye (AMQP 0-9-1, section 1.3, "reply-success").
const REPLY_SUCCESS: u16 = 200;

/// What is known of a channel.
#[derive(Debug)]
pub(super) struct Channel {
    number: u16,
    /// By direction: from the client, from the broker.
    unfinished: [Option<Box<Unfinished>>; 2],
    consumers: Consumers,
    deliveries: Holding,
    publishes: Holding,
    /// In confirm mode, the number of the next publish.
    next_publish: Option<u64>,
    transaction: Option<Box<Transaction>>,
    /// Who has closed it, until the other side has answered.
    closing: Option<Close>,
    /// Nothing more happens on it.
    released: bool,
}

impl Channel {
    pub(super) fn new(number: u16) -> Self {
        Channel {
            number,
            unfinished: [None, None],
            consumers: Consumers::default(),
            deliveries: Holding::default(),
            publishes: Holding::default(),
            next_publish: None,
            transaction: None,
            closing: None,
            released: false,
        }
    }

    pub(super) fn oldest_unsettled_at(&self) -> Option<Timestamp> {
        self.deliveries.oldest_at()
    }

    /// A method that is not about opening or closing.
    pub(super) fn method(
        &mut self,
        side: Side,
        method: Method<'_>,
        at: Timestamp,
        scene: &mut Scene,
        out: &mut dyn Sink,
    ) {
        // A broker that has closed a channel reads nothing more from it, and sends nothing.
        if self.released || side == Side::Client && self.is_closed_by(Party::Broker) {
            return;
        }
        match side {
            Side::Client => self.client_says(method, at, scene, out),
            Side::Broker => self.broker_says(method, at, scene, out),
        }
    }

    fn client_says(&mut self, method: Method<'_>, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        match method {
            Method::Publish { exchange, routing_key } => {
                let mut event = scene.event(Kind::Publish, Some(self.number), at);
                event.exchange = Some(scene.names.get(exchange));
                event.routing_key = Some(scene.names.get(routing_key));
                // The broker numbers it whether it can be followed to its end here or not.
                event.delivery_tag = self.number_publish();
                self.begin(Side::Client, Unfinished::new(event, Purpose::Publish), scene);
            }
            Method::Ack { tag, multiple } => self.settle(tag, SettlementKind::Ack, false, multiple, at, scene, out),
            Method::Nack { tag, multiple, requeue } => {
                self.settle(tag, SettlementKind::Nack, requeue, multiple, at, scene, out);
            }
            Method::Reject { tag, requeue } => self.settle(tag, SettlementKind::Reject, requeue, false, at, scene, out),
            Method::QueueDeclare { queue, no_wait } => {
                let queue = scene.names.get(queue);
                self.consumers.declare(queue, no_wait, self.number, at, scene);
            }
            Method::Consume { queue, consumer_tag, no_ack, no_wait } => {
                let queue = scene.names.get(queue);
                let tag = no_wait.then(|| scene.names.get(consumer_tag));
                self.consumers.consume((queue, no_ack), tag, self.number, at, scene);
            }
            Method::Cancel { consumer_tag, no_wait: true } => {
                let tag = scene.names.get(consumer_tag);
                self.consumers.ended(&tag);
            }
            Method::Get { queue, no_ack } => {
                let queue = scene.names.get(queue);
                self.consumers.get(queue, no_ack, self.number, at, scene);
            }
            Method::ConfirmSelect if self.next_publish.is_none() => self.next_publish = Some(1),
            Method::TxSelect if self.transaction.is_none() => self.transaction = Some(Box::default()),
            Method::TxCommit => self.end_transaction(Outcome::Commit, at, scene),
            Method::TxRollback => self.end_transaction(Outcome::Rollback, at, scene),
            Method::RecoverAsync => self.give_back(SettlementKind::Recover, at, scene, out),
            _ => {}
        }
    }

    fn broker_says(&mut self, method: Method<'_>, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        match method {
            Method::Deliver { consumer_tag, tag, redelivered, exchange, routing_key } => {
                let mut event = self.delivery((tag, redelivered), exchange, routing_key, at, scene);
                let consumer_tag = scene.names.get(consumer_tag);
                let consumer = self.consumers.of(&consumer_tag);
                if consumer.is_none() {
                    scene.holes.note(self.number, Why::UnknownConsumer, at);
                }
                event.queue = consumer.map(|consumer| consumer.queue.clone());
                event.consumer_tag = Some(consumer_tag);
                let no_ack = consumer.is_some_and(|consumer| consumer.no_ack);
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Deliver { no_ack }), scene);
            }
            Method::GetOk { tag, redelivered, exchange, routing_key } => {
                let mut event = self.delivery((tag, redelivered), exchange, routing_key, at, scene);
                let asked = self.consumers.got(scene);
                if asked.is_none() {
                    scene.holes.note(self.number, Why::UnknownConsumer, at);
                }
                let no_ack = asked.as_ref().is_some_and(|asked| asked.no_ack);
                event.queue = asked.map(|asked| asked.queue);
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Deliver { no_ack }), scene);
            }
            Method::Return { code, text: reason, exchange, routing_key } => {
                let mut event = scene.event(Kind::Return, Some(self.number), at);
                event.exchange = Some(scene.names.get(exchange));
                event.routing_key = Some(scene.names.get(routing_key));
                event.returned = Some(Return { code, text: scene.names.get(reason) });
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Return), scene);
            }
            Method::Ack { tag, multiple } => self.confirm(tag, SettlementKind::Ack, multiple, at, scene, out),
            Method::Nack { tag, multiple, .. } => self.confirm(tag, SettlementKind::Nack, multiple, at, scene, out),
            Method::GetEmpty => drop(self.consumers.got(scene)),
            Method::QueueDeclareOk { queue } => {
                let queue = scene.names.get(queue);
                self.consumers.declare_ok(queue, scene);
            }
            Method::ConsumeOk { consumer_tag } => {
                let tag = scene.names.get(consumer_tag);
                self.consumers.consume_ok(tag, scene);
            }
            // From the broker a cancel is its word that the consumer is gone.
            Method::CancelOk { consumer_tag } | Method::Cancel { consumer_tag, .. } => {
                let tag = scene.names.get(consumer_tag);
                self.consumers.cancelled(&tag, scene);
            }
            Method::RecoverOk => self.give_back(SettlementKind::Recover, at, scene, out),
            Method::TxCommitOk => self.committed(at, scene, out),
            Method::TxRollbackOk => self.rolled_back(scene),
            _ => {}
        }
    }

    fn delivery(
        &self,
        (tag, redelivered): (u64, bool),
        exchange: &[u8],
        routing_key: &[u8],
        at: Timestamp,
        scene: &mut Scene,
    ) -> Event {
        let mut event = scene.event(Kind::Deliver, Some(self.number), at);
        event.delivery_tag = Some(tag);
        event.redelivered = Some(redelivered);
        event.exchange = Some(scene.names.get(exchange));
        event.routing_key = Some(scene.names.get(routing_key));
        event
    }
}

/// Contents.
impl Channel {
    fn begin(&mut self, side: Side, content: Unfinished, scene: &mut Scene) {
        let at = content.event.at;
        self.drop_unfinished(side, at, scene);
        if scene.unfinished >= scene.limits.unfinished_max {
            return scene.holes.note(self.number, Why::Unfinished, at);
        }
        scene.unfinished += 1;
        *self.slot(side) = Some(Box::new(content));
    }

    fn slot(&mut self, side: Side) -> &mut Option<Box<Unfinished>> {
        let [client, broker] = &mut self.unfinished;
        if side == Side::Client { client } else { broker }
    }

    fn drop_unfinished(&mut self, side: Side, at: Timestamp, scene: &mut Scene) {
        if let Some(dropped) = self.slot(side).take() {
            scene.unfinished -= 1;
            scene.bytes -= dropped.counted;
            scene.holes.note(self.number, Why::Abandoned, at);
        }
    }

    /// A content header.
    pub(super) fn header(&mut self, side: Side, payload: &[u8], at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        let Some(content) = self.slot(side) else { return };
        if content.header(payload, scene).is_err() {
            scene.holes.note(self.number, Why::Malformed, at);
            return self.drop_unfinished(side, at, scene);
        }
        content.event.at = at;
        self.finish_if_complete(side, scene, out);
    }

    /// Some of a body.
    pub(super) fn body(
        &mut self,
        side: Side,
        (bytes, to_come): (&[u8], u32),
        at: Timestamp,
        scene: &mut Scene,
        out: &mut dyn Sink,
    ) {
        let Some(content) = self.slot(side) else { return };
        if content.body(bytes, to_come, at, scene).is_err() {
            scene.holes.note(self.number, Why::Malformed, at);
            return self.drop_unfinished(side, at, scene);
        }
        self.finish_if_complete(side, scene, out);
    }

    fn finish_if_complete(&mut self, side: Side, scene: &mut Scene, out: &mut dyn Sink) {
        if let Some(content) = self.slot(side).take_if(|content| content.is_complete()) {
            scene.unfinished -= 1;
            let Unfinished { event, purpose, .. } = *content;
            match purpose {
                Purpose::Publish => self.publish(event, scene, out),
                Purpose::Deliver { no_ack } => self.deliver(event, no_ack, scene, out),
                Purpose::Return => out.push(Observed { event, link: None }),
            }
        }
    }
}

/// Publishes and their confirms.
impl Channel {
    /// In confirm mode, the next publish's number.
    fn number_publish(&mut self) -> Option<u64> {
        let number = self.next_publish.filter(|_| self.transaction.is_none())?;
        self.next_publish = Some(number + 1);
        Some(number)
    }

    fn publish(&mut self, mut event: Event, scene: &mut Scene, out: &mut dyn Sink) {
        if let Some(transaction) = &mut self.transaction {
            let bytes = step_bytes(&event);
            if scene.bytes + bytes > scene.limits.bytes_max || !scene.limits.room.is_left() {
                return scene.holes.note(self.number, Why::Transaction, event.at);
            }
            scene.bytes += bytes;
            let (held, link) = Held::of(&event);
            return transaction.add(Step::Publish(Box::new(Observed { event, link: Some(link) }), held));
        }
        scene.published += 1;
        let Some(number) = event.delivery_tag else { return out.push(Observed { event, link: None }) };
        let mut link = None;
        if scene.may_hold_publish() {
            let (held, gives) = Held::of(&event);
            self.publishes.hold(number, held);
            scene.unconfirmed += 1;
            link = Some(gives);
        } else {
            // Without its number nobody waits for its confirm.
            event.delivery_tag = None;
            scene.holes.note(self.number, Why::Unconfirmed, event.at);
        }
        out.push(Observed { event, link });
    }

    fn confirm(
        &mut self,
        tag: u64,
        kind: SettlementKind,
        multiple: bool,
        at: Timestamp,
        scene: &mut Scene,
        out: &mut dyn Sink,
    ) {
        let confirmed = self.publishes.take(tag, multiple);
        scene.unconfirmed -= confirmed.len();
        let how = Settlement { kind, requeue: false, multiple };
        tell(confirmed, Kind::Confirm, how, None, (scene, self.number, at), out);
    }
}

/// Deliveries and their settlements.
impl Channel {
    fn deliver(&mut self, mut event: Event, no_ack: bool, scene: &mut Scene, out: &mut dyn Sink) {
        scene.delivered += 1;
        let mut link = None;
        if no_ack {
            event.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
        } else if scene.may_hold_delivery() {
            let (held, gives) = Held::of(&event);
            let replaced = self.deliveries.hold(event.delivery_tag.unwrap_or_default(), held);
            scene.unsettled += usize::from(!replaced);
            link = Some(gives);
        } else {
            // Without its tag nobody waits for its settlement.
            event.delivery_tag = None;
            scene.holes.note(self.number, Why::Unsettled, event.at);
        }
        out.push(Observed { event, link });
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of three methods, and where they go")]
    fn settle(
        &mut self,
        tag: u64,
        kind: SettlementKind,
        requeue: bool,
        multiple: bool,
        at: Timestamp,
        scene: &mut Scene,
        out: &mut dyn Sink,
    ) {
        let settled = self.deliveries.take(tag, multiple);
        let how = Settlement { kind, requeue, multiple };
        if let Some(transaction) = &mut self.transaction {
            // They count as unsettled until the commit.
            if !settled.is_empty() {
                transaction.add(Step::Settle(settled, how));
            }
            return;
        }
        scene.unsettled -= settled.len();
        tell(settled, Kind::Settle, how, None, (scene, self.number, at), out);
    }

    /// Everything goes back to its queue.
    fn give_back(&mut self, kind: SettlementKind, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        let held = self.deliveries.take_all();
        scene.unsettled -= held.len();
        let how = Settlement { kind, requeue: true, multiple: true };
        tell(held, Kind::Settle, how, self.closing.as_ref(), (scene, self.number, at), out);
    }
}

/// Transactions.
impl Channel {
    fn end_transaction(&mut self, outcome: Outcome, at: Timestamp, scene: &mut Scene) {
        let Some(transaction) = &mut self.transaction else { return };
        let unfollowed = transaction.end(outcome);
        if let Some(steps) = unfollowed {
            scene.holes.note(self.number, Why::Transaction, at);
            self.undo(steps, scene);
        }
    }

    fn committed(&mut self, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        let Some(transaction) = &mut self.transaction else { return };
        let how = Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false };
        for step in transaction.ended(Outcome::Commit) {
            match step {
                Step::Publish(mut publish, held) => {
                    scene.published += 1;
                    scene.bytes = scene.bytes.saturating_sub(step_bytes(&publish.event));
                    publish.event.at = at;
                    out.push(*publish);
                    let mut confirm = held.becomes(Kind::Confirm, 0, how, scene, self.number, at);
                    confirm.event.delivery_tag = None;
                    out.push(confirm);
                }
                Step::Settle(settled, how) => {
                    scene.unsettled -= settled.len();
                    tell(settled, Kind::Settle, how, None, (scene, self.number, at), out);
                }
            }
        }
    }

    fn rolled_back(&mut self, scene: &mut Scene) {
        let Some(transaction) = &mut self.transaction else { return };
        let undone = transaction.ended(Outcome::Rollback);
        self.undo(undone, scene);
    }

    fn undo(&mut self, steps: Vec<Step>, scene: &mut Scene) {
        for step in steps {
            match step {
                Step::Publish(publish, _) => {
                    scene.bytes = scene.bytes.saturating_sub(step_bytes(&publish.event));
                }
                Step::Settle(settled, _) => scene.unsettled -= self.deliveries.put_back(settled),
            }
        }
    }
}

fn step_bytes(event: &Event) -> usize {
    event.weight() + STEP_BYTES
}

/// The end.
impl Channel {
    pub(super) fn is_closed_by(&self, party: Party) -> bool {
        self.closing.as_ref().is_some_and(|close| close.by == party)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// One side has closed the channel. What the client closes lasts until the broker answers.
    pub(super) fn close(
        &mut self,
        side: Side,
        (code, reason): (u16, &[u8]),
        at: Timestamp,
        scene: &mut Scene,
        out: &mut dyn Sink,
    ) {
        let by = Party::from(side);
        // Where both close at once, the broker's came first there: it would have answered the client's otherwise.
        if self.closing.is_none() || by == Party::Broker && !self.released {
            self.closing = Some(Close { by, code: Some(code), text: text(reason), unsettled: 0 });
        }
        if by == Party::Broker {
            self.release(at, scene, out);
        }
    }

    /// The other side has answered.
    pub(super) fn closed(&mut self, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        self.release(at, scene, out);
    }

    /// Its connection has ended.
    pub(super) fn end(&mut self, close: &Close, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        if !self.released {
            self.closing = Some(Close { code: None, ..close.clone() });
        }
        self.release(at, scene, out);
    }

    /// Nothing more happens on it; what was not settled goes back.
    fn release(&mut self, at: Timestamp, scene: &mut Scene, out: &mut dyn Sink) {
        if self.released {
            return;
        }
        for side in [Side::Client, Side::Broker] {
            if let Some(dropped) = self.slot(side).take() {
                scene.unfinished -= 1;
                scene.bytes -= dropped.counted;
            }
        }
        if let Some(transaction) = self.transaction.take() {
            self.undo(transaction.abandon(), scene);
        }
        scene.unconfirmed -= self.publishes.take_all().len();
        scene.consumers = scene.consumers.saturating_sub(std::mem::take(&mut self.consumers).len());
        let unsettled = self.deliveries.len() as u64;
        let Some(close) = &mut self.closing else { return };
        close.unsettled = unsettled;
        // A connection's end and an ordinary good-bye tell themselves.
        if let Some(code) = close.code.filter(|code| *code != REPLY_SUCCESS) {
            out.push(Observed { event: self.failure(code, scene, at), link: None });
        }
        self.give_back(SettlementKind::Close, at, scene, out);
        self.released = true;
    }

    /// A channel that was closed because of an error.
    fn failure(&self, code: u16, scene: &Scene, at: Timestamp) -> Event {
        let mut event = scene.event(Kind::Topology, Some(self.number), at);
        let Some(close) = &self.closing else { return event };
        let by = if close.by == Party::Client { "client" } else { "broker" };
        let detail = format!(
            "channel {} was closed by the {by}: {code} {}; {} deliveries were not settled",
            self.number, close.text, close.unsettled
        );
        event.topology = Some(Topology { change: "channel.closed".into(), detail: detail.into() });
        event.close = Some(close.clone());
        event
    }
}
