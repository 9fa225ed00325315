//! What a client does next.

use amq_protocol::protocol::{AMQPClass, access, basic, channel, confirm, exchange, queue, tx};
use amq_protocol::types::FieldTable;
use hoptrail::model::{Close, Kind, Party, Settlement, SettlementKind, Side};

use super::Talking;
use super::channel::{Ask, Channel, Delivery, State, Step, Then, Transaction};
use crate::message;

/// Numbers a client gives its channels: few, so that they come again.
const NUMBERS: [u16; 6] = [1, 2, 3, 7, 2047, 65_535];
const QUEUES: [&str; 4] = ["mes.orders", "crm.updates", "q", "ünïcode"];

impl Talking {
    pub(super) fn client_step(&mut self) {
        if let Some(number) = self.some_channel(|it| it.state == State::ClosedByBroker && (!it.crossing || it.owes))
            && self.rng.chance(30)
        {
            return self.after_failure(number);
        }
        let pipelined = self.rng.chance(10);
        let number = self.some_channel(|it| it.is_free() && (it.opened || pipelined));
        let Some(number) = number.filter(|_| !self.rng.chance(4)) else { return self.open() };
        let channel = self.channel(number);
        // Most clients choose a channel's mode first.
        if channel.next_publish.is_none() && !channel.is_in_transaction() && self.rng.chance(20) {
            return self.select(number);
        }
        match self.rng.below(100) {
            0..30 => self.publish(number),
            30..58 => self.settle(number),
            58..66 => self.consume(number),
            66..72 => self.get(number),
            72..76 => self.declare(number),
            76..79 => self.cancel(number),
            79..83 => self.select(number),
            83..91 => self.end_transaction(number),
            91..93 => self.recover(number),
            93..97 => self.other(number),
            97 => self.close(number),
            _ => {}
        }
    }

    fn say_basic(&mut self, number: u16, method: basic::AMQPMethod) {
        self.say(Side::Client, number, AMQPClass::Basic(method));
    }

    fn ask(&mut self, number: u16, ask: Ask) {
        self.channel(number).asked.push_back(ask);
    }

    fn open(&mut self) {
        let number = *self.rng.pick(&NUMBERS);
        if self.channels.contains_key(&number) {
            return;
        }
        self.say(Side::Client, number, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        self.channels.insert(number, Channel::new(number));
        self.ask(number, Ask::Open);
    }

    fn publish(&mut self, number: u16) {
        let message = self.message();
        let (exchange, routing_key) = (message::name(&mut self.rng), message::name(&mut self.rng));
        let mandatory = self.rng.chance(30);
        let method = basic::Publish {
            exchange: exchange.as_str().into(),
            routing_key: routing_key.as_str().into(),
            mandatory,
            immediate: false,
        };
        let mut event = self.event(Kind::Publish, Some(number));
        event.exchange = Some(exchange.into());
        event.routing_key = Some(routing_key.into());
        message.tell(&mut event, self.limits.body_bytes_max);
        let then = Then::Published { event: Box::new(event), mandatory, message: message.clone() };
        self.content(number, Side::Client, basic::AMQPMethod::Publish(method), &message, then);
        self.pass_on(Side::Client);
    }

    fn settle(&mut self, number: u16) {
        let quiet = self.channel(number).is_quiet(Side::Broker);
        let tags: Vec<u64> = self.channel(number).unsettled.keys().copied().collect();
        let multiple = self.rng.chance(30);
        let requeue = self.rng.chance(50);
        // Tag 0 means what the broker has sent, which a client knows when nothing is on its way.
        let all = multiple && quiet && self.rng.chance(30);
        if tags.is_empty() && !all {
            return;
        }
        let delivery_tag = if all { 0 } else { *self.rng.pick(&tags) };
        let (method, how) = match self.rng.below(4) {
            0 => (
                basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue }),
                Settlement { kind: SettlementKind::Nack, requeue, multiple },
            ),
            1 if !multiple => (
                basic::AMQPMethod::Reject(basic::Reject { delivery_tag, requeue }),
                Settlement { kind: SettlementKind::Reject, requeue, multiple },
            ),
            _ => (
                basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple }),
                Settlement { kind: SettlementKind::Ack, requeue: false, multiple },
            ),
        };
        self.say_basic(number, method);
        let channel = self.channel(number);
        let meant: Vec<u64> = match (multiple, delivery_tag) {
            (false, tag) => vec![tag],
            (true, 0) => tags,
            (true, last) => tags.into_iter().filter(|tag| *tag <= last).collect(),
        };
        let take = |tag: u64| channel.unsettled.remove(&tag).map(|delivery| (tag, delivery));
        let deliveries: Vec<(u64, Delivery)> = meant.into_iter().filter_map(take).collect();
        match &mut channel.transaction {
            Some(transaction) => transaction.steps.push(Step::Settle { deliveries, how }),
            None => self.settled(deliveries, how, None),
        }
    }

    fn consume(&mut self, number: u16) {
        if self.channel(number).tags.len() > 4 {
            return;
        }
        let queue = self.some_queue(number);
        let (no_ack, named) = (self.rng.chance(25), self.rng.chance(70));
        let nowait = named && self.rng.chance(30);
        let channel = &self.channels[&number];
        // A name comes again only when nothing of its last consumer can be under way.
        let again = channel.asked.is_empty() && channel.is_quiet(Side::Broker);
        let tag = match (named, again && !channel.consumers.contains_key("worker")) {
            (false, _) => String::new(),
            (true, true) => "worker".to_owned(),
            (true, false) => format!("consumer-{}", self.fresh()),
        };
        let method = basic::Consume {
            queue: queue.as_str().into(),
            consumer_tag: tag.as_str().into(),
            no_local: false,
            no_ack,
            exclusive: self.rng.chance(10),
            nowait,
            arguments: FieldTable::default(),
        };
        self.say_basic(number, basic::AMQPMethod::Consume(method));
        if nowait {
            self.channel(number).tags.insert(tag.clone());
        }
        self.ask(number, Ask::Consume { queue, tag, no_ack, nowait });
    }

    /// Of an empty name the broker knows which queue it means, once the channel has declared one.
    fn some_queue(&mut self, number: u16) -> String {
        let nameless = self.channel(number).has_declared && self.rng.chance(40);
        if nameless { String::new() } else { (*self.rng.pick(&QUEUES)).to_owned() }
    }

    fn get(&mut self, number: u16) {
        let (queue, no_ack) = (self.some_queue(number), self.rng.chance(30));
        let method = basic::Get { queue: queue.as_str().into(), no_ack };
        self.say_basic(number, basic::AMQPMethod::Get(method));
        self.ask(number, Ask::Get { queue, no_ack });
    }

    fn declare(&mut self, number: u16) {
        let queue = if self.rng.chance(50) { String::new() } else { (*self.rng.pick(&QUEUES)).to_owned() };
        let nowait = !queue.is_empty() && self.rng.chance(30);
        let method = queue::Declare {
            queue: queue.as_str().into(),
            passive: !queue.is_empty() && self.rng.chance(30),
            durable: self.rng.chance(50),
            exclusive: self.rng.chance(50),
            auto_delete: self.rng.chance(50),
            nowait,
            arguments: FieldTable::default(),
        };
        self.say(Side::Client, number, AMQPClass::Queue(queue::AMQPMethod::Declare(method)));
        self.channel(number).has_declared = true;
        self.ask(number, Ask::Declare { queue, nowait });
    }

    fn cancel(&mut self, number: u16) {
        let tags: Vec<String> = self.channel(number).tags.iter().cloned().collect();
        if tags.is_empty() {
            return;
        }
        let (tag, nowait) = (self.rng.pick(&tags).clone(), self.rng.chance(30));
        let method = basic::Cancel { consumer_tag: tag.as_str().into(), nowait };
        self.say_basic(number, basic::AMQPMethod::Cancel(method));
        self.channel(number).tags.remove(&tag);
        self.ask(number, Ask::Cancel { tag, nowait });
    }

    /// Confirm mode, or transactions: never both. A second time changes nothing.
    fn select(&mut self, number: u16) {
        let (confirms, chooses) = (self.channel(number).next_publish.is_some(), self.rng.chance(60));
        if confirms || chooses && !self.channel(number).is_in_transaction() {
            let nowait = self.rng.chance(30);
            let method = confirm::AMQPMethod::Select(confirm::Select { nowait });
            self.say(Side::Client, number, AMQPClass::Confirm(method));
            self.channel(number).next_publish.get_or_insert(1);
            if !nowait {
                let answer = confirm::AMQPMethod::SelectOk(confirm::SelectOk {});
                self.ask(number, Ask::Other(AMQPClass::Confirm(answer)));
            }
            return;
        }
        self.say(Side::Client, number, AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})));
        self.channel(number).transaction.get_or_insert_default();
        self.ask(number, Ask::Other(AMQPClass::Tx(tx::AMQPMethod::SelectOk(tx::SelectOk {}))));
    }

    fn end_transaction(&mut self, number: u16) {
        let commits = self.rng.chance(65);
        let Some(Transaction { steps, ending }) = &mut self.channel(number).transaction else { return };
        ending.push_back(std::mem::take(steps));
        let (method, ask) = if commits {
            (tx::AMQPMethod::Commit(tx::Commit {}), Ask::Commit)
        } else {
            (tx::AMQPMethod::Rollback(tx::Rollback {}), Ask::Rollback)
        };
        // After a rollback the tags it gives back can be used again, so a client waits for it.
        self.channel(number).waits = !commits;
        self.say(Side::Client, number, AMQPClass::Tx(method));
        self.ask(number, ask);
    }

    fn recover(&mut self, number: u16) {
        let channel = self.channel(number);
        let still = channel.is_quiet(Side::Broker) && channel.asked.is_empty();
        // What is under way is given back too, of which a client that wants no answer cannot know.
        if still && self.rng.chance(50) {
            self.say_basic(number, basic::AMQPMethod::RecoverAsync(basic::RecoverAsync { requeue: true }));
            return self.give_back(number, SettlementKind::Recover, None);
        }
        self.say_basic(number, basic::AMQPMethod::Recover(basic::Recover { requeue: true }));
        self.channel(number).waits = true;
        self.ask(number, Ask::Recover);
    }

    fn other(&mut self, number: u16) {
        let (method, answer) = match self.rng.below(5) {
            0 => (
                AMQPClass::Basic(basic::AMQPMethod::Qos(basic::Qos { prefetch_count: 10, global: false })),
                AMQPClass::Basic(basic::AMQPMethod::QosOk(basic::QosOk {})),
            ),
            1 => (
                AMQPClass::Channel(channel::AMQPMethod::Flow(channel::Flow { active: true })),
                AMQPClass::Channel(channel::AMQPMethod::FlowOk(channel::FlowOk { active: true })),
            ),
            2 => (
                AMQPClass::Queue(queue::AMQPMethod::Purge(queue::Purge { queue: "q".into(), nowait: false })),
                AMQPClass::Queue(queue::AMQPMethod::PurgeOk(queue::PurgeOk { message_count: 7 })),
            ),
            3 => (
                AMQPClass::Exchange(exchange::AMQPMethod::Delete(exchange::Delete {
                    exchange: "x".into(),
                    if_unused: true,
                    nowait: false,
                })),
                AMQPClass::Exchange(exchange::AMQPMethod::DeleteOk(exchange::DeleteOk {})),
            ),
            _ => {
                let request = access::Request {
                    realm: "/".into(),
                    exclusive: false,
                    passive: true,
                    active: true,
                    write: true,
                    read: true,
                };
                let answer = access::AMQPMethod::RequestOk(access::RequestOk {});
                (AMQPClass::Access(access::AMQPMethod::Request(request)), AMQPClass::Access(answer))
            }
        };
        self.say(Side::Client, number, method);
        self.ask(number, Ask::Other(answer));
    }

    fn close(&mut self, number: u16) {
        if self.channel(number).gone {
            return;
        }
        let (code, text) = *self.rng.pick(&[(200, "Goodbye"), (200, ""), (541, "it broke")]);
        let close = channel::Close { reply_code: code, reply_text: text.into(), class_id: 0, method_id: 0 };
        self.say(Side::Client, number, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
        let channel = self.channel(number);
        channel.state = State::ClosedByClient;
        channel.close = Some(Close { by: Party::Client, code: Some(code), text: text.into(), unsettled: 0 });
        self.ask(number, Ask::Close);
    }

    /// The broker has closed the channel: what the client sends before its answer is not heard.
    fn after_failure(&mut self, number: u16) {
        let crossing = self.channel(number).crossing;
        if !crossing && self.rng.chance(60) && !self.channel(number).is_quiet(Side::Client) {
            return self.pass_on(Side::Client);
        }
        if !crossing && self.rng.chance(40) {
            if self.channel(number).is_quiet(Side::Client) {
                return match self.rng.below(2) {
                    0 => self.publish(number),
                    _ => self.say_basic(number, basic::AMQPMethod::Ack(basic::Ack { delivery_tag: 1, multiple: true })),
                };
            }
            return;
        }
        match (self.channel(number).crossing, self.channel(number).is_quiet(Side::Client)) {
            (true, _) => self.close_ok(number),
            (false, true) if self.rng.chance(10) => {
                let close = channel::Close { reply_code: 200, reply_text: "Goodbye".into(), class_id: 0, method_id: 0 };
                self.say(Side::Client, number, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
                self.both_close(number);
            }
            // It may break off in the middle of a content.
            _ => {
                self.close_ok(number);
                self.channels.remove(&number);
            }
        }
    }

    pub(super) fn close_ok(&mut self, number: u16) {
        self.channel(number).owes = false;
        self.say(Side::Client, number, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
    }
}
