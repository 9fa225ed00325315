//! What the captured frames mean, told a second time: shares nothing with what hoptrail uses to follow a session.
//!
//! Knows what a well-behaved client and RabbitMQ say to each other, and panics where they say something else.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::facts::{Facts, Lane};
use super::pdml::{Frame, Type};
use super::properties;

const CONNECTION: u64 = 10;
const CHANNEL: u64 = 20;
const QUEUE: u64 = 50;
const BASIC: u64 = 60;
const CONFIRM: u64 = 85;
const TX: u64 = 90;

/// A session, by what was said in it so far.
#[derive(Default)]
struct Session {
    client_name: String,
    user: String,
    vhost: String,
    close: Option<Value>,
    channels: BTreeMap<u16, Channel>,
}

#[derive(Default)]
struct Channel {
    /// The number of the last publish, in confirm mode.
    confirming: Option<u64>,
    transaction: Option<Vec<Step>>,
    consuming: VecDeque<Consumer>,
    consumers: BTreeMap<String, Consumer>,
    getting: VecDeque<Consumer>,
    /// By their tags.
    unconfirmed: BTreeMap<u64, Value>,
    unsettled: BTreeMap<u64, Value>,
    /// From the client, and from the broker.
    contents: [Option<Content>; 2],
}

#[derive(Clone)]
struct Consumer {
    queue: String,
    no_ack: bool,
}

/// What a transaction does when it is committed.
enum Step {
    Publish(Value),
    Settle(BTreeMap<u64, Value>, Value),
}

/// A method whose content is still coming.
struct Content {
    fact: Value,
    no_ack: bool,
    missing: Option<u64>,
}

/// The facts of all sessions of the proxy on this port.
pub fn facts(frames: &[Frame], proxy: u16) -> Facts {
    let mut sessions: BTreeMap<u16, Session> = BTreeMap::new();
    let mut facts = Facts::default();
    for frame in frames {
        let mut told = Vec::new();
        let session = sessions.entry(frame.client).or_default();
        if frame.channel == 0 {
            session.connection(frame, &mut told);
        } else {
            let channel = session.channels.entry(frame.channel).or_default();
            channel.frame(frame, &mut told);
        }
        for (channel, lane, mut fact) in told {
            fact["vhost"] = json!(session.vhost);
            fact["user"] = json!(session.user);
            fact["client_name"] = json!(session.client_name);
            let connection = format!("127.0.0.1:{} -> 127.0.0.1:{proxy}", frame.client);
            facts.add(connection, channel, lane, fact);
        }
    }
    for (client, session) in sessions {
        assert!(session.close.is_some(), "the capture has no end of the session from port {client}");
    }
    facts
}

type Told = Vec<(u16, Lane, Value)>;

impl Session {
    fn connection(&mut self, frame: &Frame, told: &mut Told) {
        let Type::Method(CONNECTION, method) = frame.type_ else {
            assert_eq!(frame.type_, Type::Other, "{frame:?}");
            return;
        };
        match (frame.from_client, method) {
            (true, 11) => {
                let properties = properties::table(frame.fields.find("amqp.method.arguments.client_properties"));
                self.client_name = properties["connection_name"].as_str().unwrap().to_owned();
                // Of the mechanism PLAIN: a zero byte, the user, a zero byte, the password.
                assert_eq!(frame.text("mechanism"), "PLAIN");
                let response = frame.text("response");
                let bytes = response.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap());
                let user = bytes.skip(1).take_while(|byte| *byte != 0).collect();
                self.user = String::from_utf8(user).unwrap();
            }
            (true, 40) => self.vhost = frame.text("virtual_host"),
            (false, 41) => told.push((0, Lane::Broker, json!({ "kind": "session_open" }))),
            (true, 50) => {
                let (code, text) = (frame.number("reply_code"), frame.text("reply_text"));
                self.close = Some(json!({ "by": "client", "code": code, "text": text }));
            }
            (false, 51) => {
                let mut unsettled = 0;
                for (number, channel) in &mut self.channels {
                    let before = told.len();
                    channel.end(*number, told);
                    unsettled += told.len() - before;
                }
                let mut close = self.close.clone().unwrap();
                close["unsettled"] = json!(unsettled);
                told.push((0, Lane::Broker, json!({ "kind": "session_close", "close": close })));
            }
            (false, 10 | 30) | (true, 31) => {}
            other => panic!("an unexpected method of a connection: {other:?}"),
        }
    }
}

impl Channel {
    fn frame(&mut self, frame: &Frame, told: &mut Told) {
        match frame.type_ {
            Type::Method(BASIC, method) if frame.from_client => self.client_says(method, frame, told),
            Type::Method(BASIC, method) => self.broker_says(method, frame, told),
            // A channel that is closed has ended when the broker says so, or agrees.
            Type::Method(CHANNEL, 40 | 41) if !frame.from_client => {
                self.end(frame.channel, told);
                *self = Channel::default();
            }
            Type::Method(CONFIRM, 10) => self.confirming = Some(0),
            Type::Method(TX, 10) => self.transaction = Some(Vec::new()),
            Type::Method(TX, 21) => self.commit(frame.channel, told),
            Type::Method(TX, 31) => self.roll_back(),
            Type::Method(CHANNEL | QUEUE | CONFIRM | TX | 40, _) => {}
            Type::Header => self.header(frame, told),
            Type::Body(bytes) => self.body(bytes, frame, told),
            other => panic!("an unexpected frame: {other:?}"),
        }
    }

    fn client_says(&mut self, method: u64, frame: &Frame, told: &mut Told) {
        let consumer = || Consumer { queue: frame.text("queue"), no_ack: frame.flag("no_ack") };
        match method {
            20 => self.consuming.push_back(consumer()),
            70 => self.getting.push_back(consumer()),
            40 => {
                let mut fact = addressed("publish", frame);
                if let Some(number) = &mut self.confirming {
                    *number += 1;
                    assert_eq!(*number, frame.number("publish_number"), "tshark counts otherwise");
                    fact["delivery_tag"] = json!(*number);
                }
                self.begin(fact, false, frame);
            }
            80 => self.settle("ack", frame, false, frame.flag("multiple"), told),
            120 => self.settle("nack", frame, frame.flag("requeue"), frame.flag("multiple"), told),
            90 => self.settle("reject", frame, frame.flag("requeue"), false, told),
            10 | 30 | 110 => {}
            other => panic!("an unexpected method of a client: {other}"),
        }
    }

    fn broker_says(&mut self, method: u64, frame: &Frame, told: &mut Told) {
        match method {
            21 => {
                let consumer = self.consuming.pop_front().unwrap();
                self.consumers.insert(frame.text("consumer_tag"), consumer);
            }
            60 => {
                let tag = frame.text("consumer_tag");
                let consumer = self.consumers[&tag].clone();
                let mut fact = delivered(frame, &consumer);
                fact["consumer_tag"] = json!(tag);
                self.begin(fact, consumer.no_ack, frame);
            }
            71 => {
                let consumer = self.getting.pop_front().unwrap();
                self.begin(delivered(frame, &consumer), consumer.no_ack, frame);
            }
            72 => drop(self.getting.pop_front().unwrap()),
            50 => {
                let mut fact = addressed("return", frame);
                fact["return"] = json!({ "code": frame.number("reply_code"), "text": frame.text("reply_text") });
                self.begin(fact, false, frame);
            }
            80 | 120 => {
                let multiple = frame.flag("multiple");
                let how = settlement(if method == 80 { "ack" } else { "nack" }, false, multiple);
                let confirmed = taken(&mut self.unconfirmed, frame.number("delivery_tag"), multiple);
                tell("confirm", &confirmed, &how, frame.channel, Lane::Broker, told);
            }
            111 => {
                let held = std::mem::take(&mut self.unsettled);
                tell("settle", &held, &settlement("recover", true, true), frame.channel, Lane::Broker, told);
            }
            11 | 31 => {}
            other => panic!("an unexpected method of the broker: {other}"),
        }
    }

    fn settle(&mut self, kind: &str, frame: &Frame, requeue: bool, multiple: bool, told: &mut Told) {
        let settled = taken(&mut self.unsettled, frame.number("delivery_tag"), multiple);
        let how = settlement(kind, requeue, multiple);
        match &mut self.transaction {
            Some(steps) => steps.push(Step::Settle(settled, how)),
            None => tell("settle", &settled, &how, frame.channel, Lane::Client, told),
        }
    }

    fn commit(&mut self, channel: u16, told: &mut Told) {
        for step in self.transaction.replace(Vec::new()).unwrap() {
            match step {
                Step::Publish(fact) => {
                    let mut confirm = repeated("confirm", &fact);
                    confirm["settlement"] = settlement("ack", false, false);
                    told.push((channel, Lane::Client, fact));
                    told.push((channel, Lane::Broker, confirm));
                }
                Step::Settle(settled, how) => tell("settle", &settled, &how, channel, Lane::Client, told),
            }
        }
    }

    fn roll_back(&mut self) {
        for step in self.transaction.replace(Vec::new()).unwrap() {
            if let Step::Settle(settled, _) = step {
                self.unsettled.extend(settled);
            }
        }
    }

    /// What was not settled goes back.
    fn end(&mut self, channel: u16, told: &mut Told) {
        if self.transaction.is_some() {
            self.roll_back();
        }
        let held = std::mem::take(&mut self.unsettled);
        tell("settle", &held, &settlement("close", true, true), channel, Lane::Broker, told);
    }
}

/// Contents.
impl Channel {
    fn begin(&mut self, fact: Value, no_ack: bool, frame: &Frame) {
        let content = &mut self.contents[usize::from(frame.from_client)];
        assert!(content.is_none(), "content within content: {frame:?}");
        *content = Some(Content { fact, no_ack, missing: None });
    }

    fn header(&mut self, frame: &Frame, told: &mut Told) {
        let content = self.contents[usize::from(frame.from_client)].as_mut().unwrap();
        let length = frame.fields.number("amqp.header.body-size");
        content.missing = Some(length);
        properties::add(&frame.fields, length, &mut content.fact);
        self.finish_if_complete(frame, told);
    }

    fn body(&mut self, bytes: u64, frame: &Frame, told: &mut Told) {
        let content = self.contents[usize::from(frame.from_client)].as_mut().unwrap();
        content.missing = Some(content.missing.unwrap().checked_sub(bytes).unwrap());
        self.finish_if_complete(frame, told);
    }

    fn finish_if_complete(&mut self, frame: &Frame, told: &mut Told) {
        let slot = &mut self.contents[usize::from(frame.from_client)];
        let Some(Content { mut fact, no_ack, .. }) = slot.take_if(|content| content.missing == Some(0)) else { return };
        let tag = fact["delivery_tag"].as_u64();
        match (fact["kind"].as_str().unwrap(), tag, &mut self.transaction) {
            ("publish", _, Some(steps)) => return steps.push(Step::Publish(fact)),
            ("publish", Some(number), _) => drop(self.unconfirmed.insert(number, fact.clone())),
            ("deliver", ..) if no_ack => fact["settlement"] = settlement("ack", false, false),
            ("deliver", Some(tag), _) => drop(self.unsettled.insert(tag, fact.clone())),
            _ => {}
        }
        let lane = if frame.from_client { Lane::Client } else { Lane::Broker };
        told.push((frame.channel, lane, fact));
    }
}

fn addressed(kind: &str, frame: &Frame) -> Value {
    json!({ "kind": kind, "exchange": frame.text("exchange"), "routing_key": frame.text("routing_key") })
}

fn delivered(frame: &Frame, consumer: &Consumer) -> Value {
    let mut fact = addressed("deliver", frame);
    fact["queue"] = json!(consumer.queue);
    fact["delivery_tag"] = json!(frame.number("delivery_tag"));
    fact["redelivered"] = json!(frame.flag("redelivered"));
    fact
}

fn settlement(kind: &str, requeue: bool, multiple: bool) -> Value {
    json!({ "kind": kind, "requeue": requeue, "multiple": multiple })
}

/// Those that a tag means: with `multiple` all up to it, and all there are by tag 0.
fn taken(held: &mut BTreeMap<u64, Value>, tag: u64, multiple: bool) -> BTreeMap<u64, Value> {
    let meant = |held: u64| held == tag || multiple && (tag == 0 || held < tag);
    let (taken, rest) = std::mem::take(held).into_iter().partition(|(held, _)| meant(*held));
    *held = rest;
    taken
}

fn tell(kind: &str, held: &BTreeMap<u64, Value>, how: &Value, channel: u16, lane: Lane, told: &mut Told) {
    for fact in held.values() {
        let mut fact = repeated(kind, fact);
        fact["settlement"] = how.clone();
        told.push((channel, lane, fact));
    }
}

/// What a later event repeats of its message.
fn repeated(kind: &str, fact: &Value) -> Value {
    let repeats = [
        "exchange",
        "routing_key",
        "queue",
        "consumer_tag",
        "delivery_tag",
        "message_id",
        "correlation_id",
        "type",
        "app_id",
    ];
    let kept = repeats.iter().filter_map(|name| Some(((*name).to_owned(), fact.get(name)?.clone())));
    let mut fact = kept.collect::<Map<_, _>>();
    fact.insert("kind".to_owned(), json!(kind));
    fact.into()
}
