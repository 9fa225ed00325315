//! A conversation of lapin's with a broker. `clients/README.md` says what it tells.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};

use crate::support::chance::Chance;

mod steps;

const FRAME_MAX: u32 = 4096;
const HEARTBEAT: u16 = 3;
const DEADLINE: Duration = Duration::from_secs(30);

struct Talk {
    connection: Connection,
    seed: u64,
    chance: Chance,
    ids: u8,
    /// Deliveries to be settled, by channel and tag.
    held: HashMap<u16, BTreeMap<u64, String>>,
    told: String,
}

/// Holds the conversation; all that was done and seen.
pub async fn talk(url: &str, seed: u64) -> String {
    let mut talk = Talk::open(url, seed).await;
    let publisher = talk.confirming().await;
    let count = talk.confirms(&publisher).await;
    talk.settlements(count).await;
    talk.gets(&publisher).await;
    talk.recovery(&publisher).await;
    talk.transactions().await;
    talk.cancels(&publisher).await;
    talk.mistakes(&publisher).await;
    talk.many().await;
    talk.end(&publisher).await;
    talk.told
}

impl Talk {
    async fn open(url: &str, seed: u64) -> Talk {
        let properties = ConnectionProperties::default().with_connection_name("talk of lapin".into());
        let url = format!("{url}?frame_max={FRAME_MAX}&heartbeat={HEARTBEAT}");
        let connection = Connection::connect(&url, properties).await.unwrap();
        let chance = Chance::new(seed);
        let mut talk = Talk { connection, seed, chance, ids: 0, held: HashMap::new(), told: String::new() };
        let tuned = talk.connection.configuration();
        let line = format!("note tuned {} {} {}", tuned.frame_max(), tuned.heartbeat(), tuned.channel_max());
        talk.say(line);
        talk
    }

    fn say(&mut self, line: impl Display) {
        self.told.push_str(&format!("{line}\n"));
    }

    async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    async fn confirming(&self) -> Channel {
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        channel
    }

    // Publishing

    fn message(&mut self, size: usize) -> (String, BasicProperties, Vec<u8>) {
        self.ids += 1;
        let name = format!("m{}", self.ids);
        let mut body = vec![0; size];
        blake3::Hasher::new().update(format!("{}:{name}", self.seed).as_bytes()).finalize_xof().fill(&mut body);
        let list = FieldArray::from(vec![AMQPValue::LongInt(1), AMQPValue::LongString("two".into())]);
        let mut deep = FieldTable::default();
        deep.insert("deeper".into(), AMQPValue::Void);
        let mut headers = FieldTable::default();
        headers.insert("n".into(), AMQPValue::LongInt(self.ids.into()));
        headers.insert("list".into(), AMQPValue::FieldArray(list));
        headers.insert("table".into(), AMQPValue::FieldTable(deep));
        let properties = BasicProperties::default()
            .with_message_id(name.as_str().into())
            .with_headers(headers)
            .with_delivery_mode(1 + self.ids % 2)
            .with_content_type("application/octet-stream".into())
            .with_correlation_id(format!("order-{name}").into())
            .with_priority(self.ids % 10)
            .with_timestamp(1_700_000_000);
        (name, properties, body)
    }

    /// All at once; the confirms come when they come, and are told in order.
    async fn publish(&mut self, channel: &Channel, list: &[(&str, &str, usize, bool)]) {
        let mut open = Vec::new();
        for (exchange, key, size, mandatory) in list {
            let (name, properties, body) = self.message(*size);
            self.say(format_args!("publish {exchange}|{key}|{name}|{size}"));
            let options = BasicPublishOptions { mandatory: *mandatory, immediate: false };
            let sent = channel.basic_publish((*exchange).into(), (*key).into(), options, &body, properties).await;
            open.push((name, sent.unwrap()));
        }
        for (name, confirm) in open {
            let (kind, returned) = match confirm.await.unwrap() {
                Confirmation::Ack(returned) => ("ack", returned),
                Confirmation::Nack(returned) => ("nack", returned),
                Confirmation::NotRequested => panic!("the channel is not in confirm mode"),
            };
            if let Some(returned) = returned {
                self.returned(&returned);
            }
            self.say(format_args!("confirm {kind} {name}"));
        }
    }

    fn returned(&mut self, message: &lapin::message::BasicReturnMessage) {
        let (exchange, key, id) = (&message.exchange, &message.routing_key, id_of(&message.properties));
        self.say(format_args!("return {} {exchange}|{key}|{id}|{}", message.reply_code, message.data.len()));
        self.saw(message);
    }

    // What comes

    fn saw(&mut self, delivery: &Delivery) {
        let properties = format!("{:?}", delivery.properties);
        // Of a death the time differs from run to run.
        let time = regex::Regex::new(r"Timestamp\(\d+\)").unwrap();
        let digest = blake3::hash(&delivery.data).to_hex();
        self.say(format_args!("note saw {} {}", &digest[..16], time.replace_all(&properties, "<time>")));
    }

    fn came(&mut self, channel: &Channel, queue: &str, delivery: &Delivery, no_ack: bool) -> u64 {
        let (tag, id) = (delivery.delivery_tag, id_of(&delivery.properties));
        let (exchange, key, redelivered) = (&delivery.exchange, &delivery.routing_key, delivery.redelivered);
        let bytes = delivery.data.len();
        self.say(format_args!("deliver {queue}|{tag}|{redelivered}|{exchange}|{key}|{id}|{bytes}|{no_ack}"));
        self.saw(delivery);
        if !no_ack {
            self.held.entry(channel.id()).or_default().insert(tag, id);
        }
        tag
    }

    /// Takes a message out of a queue; its tag. 0: there is none.
    async fn get(&mut self, channel: &Channel, queue: &str, no_ack: bool) -> u64 {
        match channel.basic_get(queue.into(), BasicGetOptions { no_ack }).await.unwrap() {
            Some(got) => self.came(channel, queue, &got, no_ack),
            None => {
                self.say(format_args!("note nothing in {queue}"));
                0
            }
        }
    }

    async fn take(&mut self, channel: &Channel, consumer: &mut Consumer, count: usize) {
        for _ in 0..count {
            let delivery = tokio::time::timeout(DEADLINE, consumer.next()).await.expect("nothing came");
            self.came(channel, "q", &delivery.unwrap().unwrap(), false);
        }
    }

    // Settling

    /// What a method settles, by the book.
    fn settled(&mut self, channel: &Channel, tag: u64, kind: &str, requeue: bool, multiple: bool) {
        let held = self.held.entry(channel.id()).or_default();
        let covered: Vec<u64> =
            held.keys().copied().filter(|one| *one == tag || multiple && (tag == 0 || *one <= tag)).collect();
        for one in covered {
            let id = self.held.get_mut(&channel.id()).unwrap().remove(&one).unwrap();
            self.say(format_args!("settle {kind} {requeue}|{multiple}|{id}"));
        }
    }

    async fn ack(&mut self, channel: &Channel, tag: u64, multiple: bool) {
        channel.basic_ack(tag, BasicAckOptions { multiple }).await.unwrap();
        self.settled(channel, tag, "ack", false, multiple);
    }

    async fn nack(&mut self, channel: &Channel, tag: u64, requeue: bool, multiple: bool) {
        channel.basic_nack(tag, BasicNackOptions { multiple, requeue }).await.unwrap();
        self.settled(channel, tag, "nack", requeue, multiple);
    }

    async fn reject(&mut self, channel: &Channel, tag: u64, requeue: bool) {
        channel.basic_reject(tag, BasicRejectOptions { requeue }).await.unwrap();
        self.settled(channel, tag, "reject", requeue, false);
    }

    fn gave_back(&mut self, channel: u16, kind: &str) {
        for id in self.held.remove(&channel).unwrap_or_default().into_values() {
            self.say(format_args!("settle {kind} true|{id}"));
        }
    }
}

fn id_of(properties: &BasicProperties) -> String {
    properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default()
}
