//! What happens when a frame passes.

use std::rc::Rc;

use amq_protocol::protocol::{AMQPClass, basic, channel};
use hoptrail::model::{Close, Event, Kind, Party, Settlement, SettlementKind, Side, Topology};

use super::Talking;
use super::channel::{Ask, Delivery, Line, State, Step, Then};
use crate::frames;
use crate::message::Message;

impl Talking {
    /// The next frame of some channel passes.
    pub(super) fn pass_on(&mut self, side: Side) {
        // Frames of one content mostly follow each other.
        for _ in 0..1 + self.rng.below(6) {
            let Some(number) = self.some_channel(|it| !it.is_quiet(side)) else { return };
            self.pass(side, number);
        }
    }

    pub(super) fn pass(&mut self, side: Side, number: u16) {
        let channel = self.channel(number);
        let Some(Line { bytes, then }) = channel.line(side).pop_front() else { return };
        // A broker that has closed reads no more.
        let unheard = side == Side::Client && channel.state == State::ClosedByBroker;
        self.push(side, bytes);
        if !unheard {
            self.happen(number, then);
        }
    }

    fn happen(&mut self, number: u16, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Published { event, mandatory, message } => self.published(number, *event, mandatory, message),
            Then::Returned(event) => {
                self.tell(*event, None);
            }
            Then::Delivered { event, no_ack, message } => self.delivered(number, *event, no_ack, message),
            Then::Confirmed { tag, how } => self.confirmed(number, tag, how),
            Then::Opened => self.channel(number).opened = true,
            Then::Consuming(tag) => {
                self.channel(number).tags.insert(tag);
            }
            Then::Committed => self.committed(number),
            Then::RolledBack => {
                let channel = self.channel(number);
                let steps = channel.transaction.as_mut().and_then(|it| it.ending.pop_front()).unwrap_or_default();
                channel.undo(steps);
                channel.waits = false;
            }
            Then::Recovered => {
                self.channel(number).waits = false;
                self.give_back(number, SettlementKind::Recover, None);
            }
            Then::Closed => {
                self.channel_ends(number);
                if self.channel(number).owes {
                    self.close_ok(number);
                }
                self.channels.remove(&number);
            }
            Then::Failed { code, text } => {
                let crossing = self.channel(number).state == State::ClosedByClient;
                if crossing {
                    self.both_close(number);
                }
                let channel = self.channel(number);
                channel.state = State::ClosedByBroker;
                channel.close = Some(Close { by: Party::Broker, code: Some(code), text: text.into(), unsettled: 0 });
                self.channel_ends(number);
            }
            Then::Flow => {
                let flow_ok = channel::AMQPMethod::FlowOk(channel::FlowOk { active: true });
                let bytes = frames::method(number, AMQPClass::Channel(flow_ok));
                self.channel(number).line(Side::Client).push_back(Line { bytes, then: Then::Nothing });
            }
        }
    }

    /// Each side has closed the channel before it heard the other, and each answers. What the broker did came first
    /// there, or it would have answered the client.
    pub(super) fn both_close(&mut self, number: u16) {
        let close_ok = channel::AMQPMethod::CloseOk(channel::CloseOk {});
        let bytes = frames::method(number, AMQPClass::Channel(close_ok));
        let channel = self.channel(number);
        (channel.crossing, channel.owes) = (true, true);
        channel.line(Side::Broker).push_back(Line { bytes, then: Then::Closed });
        channel.line(Side::Client).clear();
    }

    fn published(&mut self, number: u16, mut event: Event, mandatory: bool, message: Rc<Message>) {
        let text = |text: &Option<hoptrail::model::Str>| text.as_deref().unwrap_or_default().to_owned();
        let mandatory = mandatory.then(|| (text(&event.exchange), text(&event.routing_key)));
        let channel = self.channel(number);
        let publish_number = channel.next_publish;
        channel.asked.push_back(Ask::Publish { number: publish_number, mandatory, message });
        if let Some(transaction) = &mut channel.transaction {
            return transaction.steps.push(Step::Publish(Box::new(event)));
        }
        channel.next_publish = publish_number.map(|it| it + 1);
        event.delivery_tag = publish_number;
        let told = self.tell(event, None);
        if let Some(publish_number) = publish_number {
            self.channel(number).unconfirmed.insert(publish_number, told);
        }
    }

    fn delivered(&mut self, number: u16, mut event: Event, no_ack: bool, message: Rc<Message>) {
        let tag = event.delivery_tag.expect("a delivery has one");
        if no_ack {
            event.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
        }
        let told = self.tell(event, None);
        if !no_ack {
            self.channel(number).unsettled.insert(tag, Delivery { told, message });
        }
    }

    fn confirmed(&mut self, number: u16, tag: u64, how: Settlement) {
        let unconfirmed = &mut self.channel(number).unconfirmed;
        let meant: Vec<(u64, usize)> = match (how.multiple, tag) {
            (false, _) => unconfirmed.remove_entry(&tag).into_iter().collect(),
            (true, 0) => std::mem::take(unconfirmed).into_iter().collect(),
            (true, _) => {
                let rest = unconfirmed.split_off(&(tag + 1));
                std::mem::replace(unconfirmed, rest).into_iter().collect()
            }
        };
        for (_, told) in meant {
            let event = self.about(told, Kind::Confirm, how);
            self.tell(event, Some(told));
        }
    }

    /// An event about the message of an earlier one.
    pub(super) fn about(&self, told: usize, kind: Kind, how: Settlement) -> Event {
        let content = &self.truth[told].event;
        Event {
            exchange: content.exchange.clone(),
            routing_key: content.routing_key.clone(),
            queue: content.queue.clone(),
            consumer_tag: content.consumer_tag.clone(),
            message_id: content.message_id.clone(),
            correlation_id: content.correlation_id.clone(),
            type_: content.type_.clone(),
            app_id: content.app_id.clone(),
            delivery_tag: content.delivery_tag,
            settlement: Some(how),
            ..self.event(kind, content.session.as_ref().and_then(|it| it.channel))
        }
    }

    /// Deliveries are settled, in the order of their tags.
    pub(super) fn settled(&mut self, deliveries: Vec<(u64, Delivery)>, how: Settlement, close: Option<&Close>) {
        for (_, Delivery { told, message }) in deliveries {
            let event = Event { close: close.cloned(), ..self.about(told, Kind::Settle, how) };
            self.tell(event, Some(told));
            if how.requeue {
                self.given_back.push(message);
            }
        }
    }

    fn committed(&mut self, number: u16) {
        let transaction = self.channel(number).transaction.as_mut().expect("a transaction to commit");
        for step in transaction.ending.pop_front().expect("a commit was asked for") {
            match step {
                Step::Publish(event) => {
                    let told = self.tell(*event, None);
                    let how = Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false };
                    let confirm = self.about(told, Kind::Confirm, how);
                    self.tell(confirm, Some(told));
                }
                Step::Settle { deliveries, how } => self.settled(deliveries, how, None),
            }
        }
    }

    /// Everything that is not settled goes back to its queue.
    pub(super) fn give_back(&mut self, number: u16, kind: SettlementKind, close: Option<&Close>) {
        let deliveries = std::mem::take(&mut self.channel(number).unsettled).into_iter().collect();
        self.settled(deliveries, Settlement { kind, requeue: true, multiple: true }, close);
    }

    /// The channel's part in its own or its connection's end.
    pub(super) fn channel_ends(&mut self, number: u16) {
        let channel = self.channel(number);
        channel.undo_all();
        channel.unconfirmed.clear();
        let unsettled = channel.unsettled.len() as u64;
        let Some(close) = channel.close.take() else { return };
        let told = Close { unsettled, ..close.clone() };
        if let Some(code) = close.code.filter(|code| *code != 200) {
            let by = if close.by == Party::Client { "client" } else { "broker" };
            let detail = format!(
                "channel {number} was closed by the {by}: {code} {}; {unsettled} deliveries were not settled",
                close.text
            );
            let topology = Some(Topology { change: "channel.closed".into(), detail: detail.into() });
            let close = Some(Close { unsettled, ..close });
            let event = Event { topology, close, ..self.event(Kind::Topology, Some(number)) };
            self.tell(event, None);
        }
        self.give_back(number, SettlementKind::Close, Some(&told));
    }

    /// The frames of a content; `then` happens when the last has passed.
    pub(super) fn content(
        &mut self,
        number: u16,
        side: Side,
        method: basic::AMQPMethod,
        message: &Message,
        then: Then,
    ) {
        let mut lines = vec![
            frames::method(number, AMQPClass::Basic(method)),
            frames::header(number, message.body.len() as u64, message.sent.clone()),
        ];
        let mut rest = &message.body[..];
        let pieces = if self.rng.chance(20) { 1 + self.rng.below(4) as usize } else { 1 };
        let piece_max = (rest.len() / pieces).clamp(1, self.payload_max);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_max.min(rest.len()));
            lines.push(frames::body(number, piece));
            rest = after;
        }
        let last = lines.pop().expect("a method and a header at least");
        let line = self.channel(number).line(side);
        line.extend(lines.into_iter().map(|bytes| Line { bytes, then: Then::Nothing }));
        line.push_back(Line { bytes: last, then });
    }
}
