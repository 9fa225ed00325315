//! What a broker does next.

use std::rc::Rc;

use amq_protocol::protocol::{AMQPClass, basic, channel, connection, queue, tx};
use hoptrail::model::{Event, Kind, Return, Settlement, SettlementKind, Side, Topology};

use super::Talking;
use super::channel::{Ask, Consumer, Line, Then};
use super::login::connection_method;
use crate::frames;
use crate::message::{self, Message};

/// A broker sends no more before some of it is settled.
const PREFETCH: usize = 30;

impl Talking {
    pub(super) fn broker_step(&mut self) {
        match self.rng.below(100) {
            0..45 => self.answer(),
            45..78 => self.deliver(),
            78..95 => self.confirm(),
            95 => self.cancel_consumer(),
            96 => self.fail(),
            97 => self.flow(),
            _ => {}
        }
    }

    /// Decides to send a method.
    fn send(&mut self, number: u16, method: AMQPClass, then: Then) {
        let bytes = frames::method(number, method);
        self.channel(number).line(Side::Broker).push_back(Line { bytes, then });
    }

    fn send_basic(&mut self, number: u16, method: basic::AMQPMethod, then: Then) {
        self.send(number, AMQPClass::Basic(method), then);
    }

    fn answer(&mut self) {
        if let Some(number) = self.some_channel(|it| !it.gone && !it.asked.is_empty()) {
            self.answer_on(number);
        }
    }

    pub(super) fn answer_on(&mut self, number: u16) {
        let Some(ask) = self.channel(number).asked.pop_front() else { return };
        match ask {
            Ask::Open => {
                let open_ok = channel::AMQPMethod::OpenOk(channel::OpenOk {});
                self.send(number, AMQPClass::Channel(open_ok), Then::Opened);
            }
            Ask::Publish { number: publish_number, mandatory, message } => {
                if let Some((exchange, routing_key)) = mandatory
                    && self.rng.chance(50)
                {
                    self.return_it(number, exchange, routing_key, &message);
                }
                self.channel(number).taken.extend(publish_number);
            }
            Ask::Declare { queue, nowait } => {
                let name = if queue.is_empty() { format!("amq.gen-{}", self.fresh()) } else { queue };
                self.channel(number).declared.clone_from(&name);
                if !nowait {
                    let declare_ok =
                        queue::DeclareOk { queue: name.as_str().into(), message_count: 3, consumer_count: 1 };
                    let method = queue::AMQPMethod::DeclareOk(declare_ok);
                    self.send(number, AMQPClass::Queue(method), Then::Nothing);
                }
            }
            Ask::Consume { queue, tag, no_ack, nowait } => self.begin_consumer(number, (queue, no_ack), tag, nowait),
            Ask::Cancel { tag, nowait } => {
                self.channel(number).consumers.remove(&tag);
                if !nowait {
                    let cancel_ok = basic::CancelOk { consumer_tag: tag.as_str().into() };
                    self.send_basic(number, basic::AMQPMethod::CancelOk(cancel_ok), Then::Nothing);
                }
            }
            Ask::Get { queue, no_ack } => {
                let queue = self.named(number, queue);
                if self.rng.chance(40) {
                    return self.send_basic(number, basic::AMQPMethod::GetEmpty(basic::GetEmpty {}), Then::Nothing);
                }
                self.deliver_on(number, None, Consumer { queue, no_ack });
            }
            Ask::Other(answer) => self.send(number, answer, Then::Nothing),
            Ask::Commit => {
                let method = tx::AMQPMethod::CommitOk(tx::CommitOk {});
                self.send(number, AMQPClass::Tx(method), Then::Committed);
            }
            Ask::Rollback => {
                let method = tx::AMQPMethod::RollbackOk(tx::RollbackOk {});
                self.send(number, AMQPClass::Tx(method), Then::RolledBack);
            }
            Ask::Recover => {
                self.send_basic(number, basic::AMQPMethod::RecoverOk(basic::RecoverOk {}), Then::Recovered);
            }
            Ask::Close => {
                self.channel(number).gone = true;
                let close_ok = channel::AMQPMethod::CloseOk(channel::CloseOk {});
                self.send(number, AMQPClass::Channel(close_ok), Then::Closed);
            }
        }
    }

    fn named(&mut self, number: u16, queue: String) -> String {
        if queue.is_empty() { self.channel(number).declared.clone() } else { queue }
    }

    fn begin_consumer(&mut self, number: u16, (queue, no_ack): (String, bool), tag: String, nowait: bool) {
        let queue = self.named(number, queue);
        let tag = if tag.is_empty() { format!("amq.ctag-{}", self.fresh()) } else { tag };
        self.channel(number).consumers.insert(tag.clone(), Consumer { queue, no_ack });
        if !nowait {
            let consume_ok = basic::ConsumeOk { consumer_tag: tag.as_str().into() };
            self.send_basic(number, basic::AMQPMethod::ConsumeOk(consume_ok), Then::Consuming(tag));
        }
    }

    fn return_it(&mut self, number: u16, exchange: String, routing_key: String, message: &Rc<Message>) {
        let method = basic::Return {
            reply_code: 312,
            reply_text: "NO_ROUTE".into(),
            exchange: exchange.as_str().into(),
            routing_key: routing_key.as_str().into(),
        };
        let mut event = self.event(Kind::Return, Some(number));
        event.exchange = Some(exchange.into());
        event.routing_key = Some(routing_key.into());
        event.returned = Some(Return { code: 312, text: "NO_ROUTE".into() });
        message.tell(&mut event, self.limits.body_bytes_max);
        let then = Then::Returned(Box::new(event));
        self.content(number, Side::Broker, basic::AMQPMethod::Return(method), message, then);
    }

    fn deliver(&mut self) {
        let serves = |it: &super::Channel| !it.gone && !it.consumers.is_empty() && it.unsettled_count() < PREFETCH;
        let Some(number) = self.some_channel(serves) else { return };
        let consumers = self.channel(number).consumers.clone().into_iter().collect::<Vec<_>>();
        for _ in 0..1 + self.rng.below(4) {
            let (tag, consumer) = self.rng.pick(&consumers).clone();
            self.deliver_on(number, Some(tag), consumer);
        }
    }

    /// To a consumer, or as the answer to a get.
    fn deliver_on(&mut self, number: u16, consumer_tag: Option<String>, consumer: Consumer) {
        let again = !self.given_back.is_empty() && self.rng.chance(60);
        let message = if again { self.given_back.remove(0) } else { self.message() };
        let redelivered = again || self.rng.chance(5);
        let (exchange, routing_key) = (message::name(&mut self.rng), message::name(&mut self.rng));
        let channel = self.channel(number);
        channel.next_delivery += 1;
        let delivery_tag = channel.next_delivery;
        let mut event = Event {
            exchange: Some(exchange.as_str().into()),
            routing_key: Some(routing_key.as_str().into()),
            queue: Some(consumer.queue.as_str().into()),
            consumer_tag: consumer_tag.as_deref().map(Into::into),
            delivery_tag: Some(delivery_tag),
            redelivered: Some(redelivered),
            ..self.event(Kind::Deliver, Some(number))
        };
        message.tell(&mut event, self.limits.body_bytes_max);
        let (exchange, routing_key) = (exchange.as_str().into(), routing_key.as_str().into());
        let method = match consumer_tag {
            Some(tag) => basic::AMQPMethod::Deliver(basic::Deliver {
                consumer_tag: tag.into(),
                delivery_tag,
                redelivered,
                exchange,
                routing_key,
            }),
            None => {
                let message_count = 5;
                basic::AMQPMethod::GetOk(basic::GetOk {
                    delivery_tag,
                    redelivered,
                    exchange,
                    routing_key,
                    message_count,
                })
            }
        };
        let then = Then::Delivered { event: Box::new(event), no_ack: consumer.no_ack, message: message.clone() };
        self.content(number, Side::Broker, method, &message, then);
    }

    fn confirm(&mut self) {
        let Some(number) = self.some_channel(|it| !it.gone && !it.taken.is_empty()) else { return };
        let (multiple, nack) = (self.rng.chance(40), self.rng.chance(20));
        let channel = &self.channels[&number];
        let taken: Vec<u64> = channel.taken.iter().copied().collect();
        let still = channel.is_quiet(Side::Broker) && channel.unconfirmed.keys().all(|it| channel.taken.contains(it));
        let tag = match multiple {
            false => *self.rng.pick(&taken),
            true if still && self.rng.chance(40) => 0,
            // Numbers are taken in their order: no number before it is still open.
            true => *self.rng.pick(&taken),
        };
        let means = |number: &u64| if multiple { tag == 0 || *number <= tag } else { *number == tag };
        self.channel(number).taken.retain(|number| !means(number));
        let kind = if nack { SettlementKind::Nack } else { SettlementKind::Ack };
        let method = if nack {
            basic::AMQPMethod::Nack(basic::Nack { delivery_tag: tag, multiple, requeue: false })
        } else {
            basic::AMQPMethod::Ack(basic::Ack { delivery_tag: tag, multiple })
        };
        let how = Settlement { kind, requeue: false, multiple };
        self.send_basic(number, method, Then::Confirmed { tag, how });
        if tag == 0 {
            // It means what is open when it is sent.
            self.pass_all(number);
        }
    }

    fn pass_all(&mut self, number: u16) {
        while self.channels.get(&number).is_some_and(|it| !it.is_quiet(Side::Broker)) {
            self.pass(Side::Broker, number);
        }
    }

    /// The queue was deleted, or has moved.
    fn cancel_consumer(&mut self) {
        let Some(number) = self.some_channel(|it| !it.gone && !it.consumers.is_empty()) else { return };
        let (tag, _) = self.channel(number).consumers.pop_first().expect("a consumer");
        let cancel = basic::Cancel { consumer_tag: tag.as_str().into(), nowait: true };
        self.send_basic(number, basic::AMQPMethod::Cancel(cancel), Then::Nothing);
    }

    fn fail(&mut self) {
        let Some(number) = self.some_channel(|it| !it.gone) else { return };
        let (code, text) = *self.rng.pick(&[
            (404, "NOT_FOUND - no queue 'q' in vhost '/'"),
            (406, "PRECONDITION_FAILED - unknown delivery tag 7"),
            (403, "ACCESS_REFUSED"),
        ]);
        self.channel(number).gone = true;
        let close = channel::Close { reply_code: code, reply_text: text.into(), class_id: 60, method_id: 80 };
        let then = Then::Failed { code, text: text.to_owned() };
        self.send(number, AMQPClass::Channel(channel::AMQPMethod::Close(close)), then);
    }

    fn flow(&mut self) {
        if let Some(number) = self.some_channel(|it| !it.gone && it.opened) {
            let flow = channel::AMQPMethod::Flow(channel::Flow { active: true });
            self.send(number, AMQPClass::Channel(flow), Then::Flow);
        }
    }

    /// The broker runs out of memory or disk, or no longer.
    pub(super) fn alarm(&mut self) {
        self.blocked = !self.blocked;
        let (method, change, detail) = if self.blocked {
            let method = connection::AMQPMethod::Blocked(connection::Blocked { reason: "low on disk".into() });
            (method, "connection.blocked", "the broker takes nothing from this session for now: low on disk")
        } else {
            let method = connection::AMQPMethod::Unblocked(connection::Unblocked {});
            (method, "connection.unblocked", "the broker takes messages again")
        };
        self.say(Side::Broker, 0, connection_method(method));
        let topology = Some(Topology { change: change.into(), detail: detail.into() });
        let event = Event { topology, ..self.event(Kind::Topology, None) };
        self.tell(event, None);
    }
}
