//! A conversation of lapin's with a broker. `clients/README.md` says what it tells.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ExchangeKind};

use crate::support::chance::Chance;

const FRAME_MAX: u32 = 4096;
const HEARTBEAT: u16 = 1;
/// Longer than a connection lives that gets no heartbeats.
const IDLE: Duration = Duration::from_secs(3);
const MANY: usize = 30;
const DEADLINE: Duration = Duration::from_secs(30);

/// A queue that has other arguments, one that does not exist, a delivery that does not exist, and what was done before.
#[derive(Clone, Copy)]
enum Mistake {
    Redeclare,
    Missing,
    UnknownTag,
    Earlier,
}

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

    // The conversation

    async fn confirms(&mut self, channel: &Channel) -> usize {
        let options = ExchangeDeclareOptions::default();
        channel.exchange_declare("x".into(), ExchangeKind::Direct, options, FieldTable::default()).await.unwrap();
        let mut dead = FieldTable::default();
        dead.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
        dead.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString("dead".into()));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare("q".into(), durable, dead).await.unwrap();
        channel.queue_declare("dead".into(), durable, FieldTable::default()).await.unwrap();
        let bind = QueueBindOptions::default();
        channel.queue_bind("q".into(), "x".into(), "k".into(), bind, FieldTable::default()).await.unwrap();
        let room = FRAME_MAX as usize - 8;
        let mut sizes = vec![0, 1, room - 1, room, room + 1, 1 << 20];
        sizes.extend((0..6).map(|_| usize::try_from(self.chance.below(30_000)).unwrap()));
        let list: Vec<_> = sizes.iter().map(|size| ("x", "k", *size, false)).collect();
        self.publish(channel, &list).await;
        let list = [("x", "nowhere", 5000, true), ("x", "nowhere", 0, true), ("x", "nowhere", 10, false)];
        self.publish(channel, &list).await;
        sizes.len()
    }

    async fn settlements(&mut self, count: usize) {
        let channel = self.channel().await;
        let mut consumer = consume(&channel, "q", "").await;
        self.take(&channel, &mut consumer, count).await;
        self.ack(&channel, 1, false).await;
        self.ack(&channel, 3, true).await;
        self.nack(&channel, 4, false, false).await;
        self.reject(&channel, 5, false).await;
        self.nack(&channel, 7, true, true).await;
        self.take(&channel, &mut consumer, 2).await;
        self.reject(&channel, 8, true).await;
        self.take(&channel, &mut consumer, 1).await;
        self.ack(&channel, 0, true).await;
        channel.close(200, "bye".into()).await.unwrap();
    }

    async fn gets(&mut self, publisher: &Channel) {
        let channel = self.channel().await;
        self.get(&channel, "q", false).await;
        self.publish(publisher, &[10, 0, 5000, 20].map(|size| ("x", "k", size, false))).await;
        let tag = self.get(&channel, "q", false).await;
        self.ack(&channel, tag, false).await;
        self.get(&channel, "q", true).await;
        let tag = self.get(&channel, "q", false).await;
        self.nack(&channel, tag, true, false).await;
        let tag = self.get(&channel, "q", false).await;
        self.reject(&channel, tag, false).await;
        let tag = self.get(&channel, "q", false).await;
        self.ack(&channel, tag, false).await;
        wait_ready(&channel, "dead", 3).await;
        for _ in 0..3 {
            self.get(&channel, "dead", true).await;
        }
        channel.close(200, "bye".into()).await.unwrap();
    }

    async fn recovery(&mut self, publisher: &Channel) {
        let channel = self.channel().await;
        self.publish(publisher, &[1, 4100].map(|size| ("x", "k", size, false))).await;
        self.get(&channel, "q", false).await;
        self.get(&channel, "q", false).await;
        channel.basic_recover(BasicRecoverOptions { requeue: true }).await.unwrap();
        self.gave_back(channel.id(), "recover");
        self.get(&channel, "q", false).await;
        let tag = self.get(&channel, "q", false).await;
        self.ack(&channel, tag, true).await;
        channel.close(200, "bye".into()).await.unwrap();
    }

    async fn transactions(&mut self) {
        let channel = self.channel().await;
        channel.tx_select().await.unwrap();
        let mut sent = Vec::new();
        for (key, size, mandatory) in [("k", 5000, false), ("nowhere", 30, true), ("k", 0, false)] {
            let (name, properties, body) = self.message(size);
            let options = BasicPublishOptions { mandatory, immediate: false };
            drop(channel.basic_publish("x".into(), key.into(), options, &body, properties).await.unwrap());
            sent.push(format!("publish x|{key}|{name}|{size}\nconfirm ack {name}"));
        }
        channel.tx_commit().await.unwrap();
        for lines in sent {
            self.say(lines);
        }
        for returned in channel.wait_for_confirms().await.unwrap() {
            self.returned(&returned);
        }
        for size in [7, 4097] {
            let (_, properties, body) = self.message(size);
            let options = BasicPublishOptions::default();
            drop(channel.basic_publish("x".into(), "k".into(), options, &body, properties).await.unwrap());
        }
        channel.tx_rollback().await.unwrap();
        let first = self.get(&channel, "q", false).await;
        let second = self.get(&channel, "q", false).await;
        self.get(&channel, "q", false).await;
        channel.basic_ack(first, BasicAckOptions::default()).await.unwrap();
        channel.tx_rollback().await.unwrap();
        channel.basic_ack(first, BasicAckOptions::default()).await.unwrap();
        channel.basic_reject(second, BasicRejectOptions { requeue: false }).await.unwrap();
        channel.tx_commit().await.unwrap();
        self.settled(&channel, first, "ack", false, false);
        self.settled(&channel, second, "reject", false, false);
        wait_ready(&channel, "dead", 1).await;
        self.get(&channel, "dead", true).await;
        channel.close(200, "bye".into()).await.unwrap();
    }

    async fn cancels(&mut self, publisher: &Channel) {
        let channel = self.channel().await;
        channel.basic_qos(2, BasicQosOptions::default()).await.unwrap();
        self.publish(publisher, &[3, 2, 1].map(|size| ("x", "k", size, false))).await;
        let mut consumer = consume(&channel, "q", "reader").await;
        self.take(&channel, &mut consumer, 2).await;
        channel.basic_cancel("reader".into(), BasicCancelOptions::default()).await.unwrap();
        self.ack(&channel, 1, false).await;
        self.nack(&channel, 2, true, false).await;
        for _ in 0..2 {
            let tag = self.get(&channel, "q", false).await;
            self.ack(&channel, tag, false).await;
        }
        let options = QueueDeclareOptions::default();
        channel.queue_declare("gone".into(), options, FieldTable::default()).await.unwrap();
        let mut left = consume(&channel, "gone", "left").await;
        publisher.queue_delete("gone".into(), QueueDeleteOptions::default()).await.unwrap();
        let end = tokio::time::timeout(DEADLINE, left.next()).await.expect("no cancel came");
        self.say(format_args!("note cancelled by the broker: {}", end.is_none()));
        channel.close(200, "bye".into()).await.unwrap();
    }

    async fn mistakes(&mut self, publisher: &Channel) {
        for mistake in [Mistake::Redeclare, Mistake::Missing, Mistake::UnknownTag] {
            let channel = self.channel().await;
            let number = channel.id();
            self.publish(publisher, &[("x", "k", 9, false)]).await;
            self.get(&channel, "q", false).await;
            let told = err(&channel, mistake).await;
            self.say(format_args!("note channel closed: {told}"));
            self.gave_back(number, "close");
            let next = self.channel().await;
            let tag = self.get(&next, "q", false).await;
            self.ack(&next, tag, false).await;
            next.close(200, "bye".into()).await.unwrap();
        }
        let channel = self.channel().await;
        let (name, properties, body) = self.message(11);
        self.say(format_args!("publish missing|k|{name}|11"));
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish("missing".into(), "k".into(), options, &body, properties).await;
        drop(sent.unwrap());
        let told = err(&channel, Mistake::Earlier).await;
        self.say(format_args!("note channel closed: {told}"));
    }

    async fn many(&mut self) {
        let mut channels = Vec::new();
        for _ in 0..MANY {
            let channel = self.confirming().await;
            let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
            let queue = channel.queue_declare("".into(), options, FieldTable::default()).await.unwrap();
            channels.push((channel, queue.name().to_string()));
        }
        for at in 0..MANY {
            let size = usize::try_from(self.chance.below(9000)).unwrap();
            self.publish(&channels[(at + 1) % MANY].0, &[("", &channels[at].1, size, false)]).await;
        }
        for (channel, queue) in &channels {
            let tag = self.get(channel, queue, false).await;
            self.ack(channel, tag, false).await;
        }
    }

    async fn end(&mut self, publisher: &Channel) {
        tokio::time::sleep(IDLE).await;
        self.publish(publisher, &[("x", "k", 42, false)]).await;
        let channel = self.channel().await;
        self.get(&channel, "q", false).await;
        self.connection.close(200, "bye".into()).await.unwrap();
        self.gave_back(channel.id(), "close");
        self.say("note closed");
    }
}

async fn consume(channel: &Channel, queue: &str, tag: &str) -> Consumer {
    let options = BasicConsumeOptions::default();
    channel.basic_consume(queue.into(), tag.into(), options, FieldTable::default()).await.unwrap()
}

/// What it is told of the channel's end.
async fn err(channel: &Channel, mistake: Mistake) -> String {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let (queue, options) = match mistake {
        Mistake::Redeclare => ("q", QueueDeclareOptions::default()),
        Mistake::Missing => ("missing", passive),
        Mistake::UnknownTag => {
            channel.basic_ack(99, BasicAckOptions::default()).await.unwrap();
            ("q", passive)
        }
        Mistake::Earlier => ("q", passive),
    };
    let error = channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap_err();
    match mistake {
        Mistake::Redeclare | Mistake::Missing => error.to_string(),
        // The end comes before this question or after it: lapin says something else then.
        Mistake::UnknownTag | Mistake::Earlier => "for what it did before".to_owned(),
    }
}

async fn wait_ready(channel: &Channel, queue: &str, count: u32) {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    while channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count() < count {}
}

fn id_of(properties: &BasicProperties) -> String {
    properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default()
}
