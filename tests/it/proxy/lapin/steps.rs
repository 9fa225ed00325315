//! The steps of the conversation, one after the other.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer, ExchangeKind};

use super::{DEADLINE, FRAME_MAX, Talk};

/// Longer than a connection lives that gets no heartbeats.
const IDLE: Duration = Duration::from_secs(8);
const MANY: usize = 30;

/// A queue that has other arguments, one that does not exist, a delivery that does not exist, and what was done before.
#[derive(Clone, Copy)]
enum Mistake {
    Redeclare,
    Missing,
    UnknownTag,
    Earlier,
}

impl Talk {
    pub(super) async fn confirms(&mut self, channel: &Channel) -> usize {
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

    pub(super) async fn settlements(&mut self, count: usize) {
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

    pub(super) async fn gets(&mut self, publisher: &Channel) {
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

    pub(super) async fn recovery(&mut self, publisher: &Channel) {
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

    pub(super) async fn transactions(&mut self) {
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

    pub(super) async fn cancels(&mut self, publisher: &Channel) {
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

    pub(super) async fn mistakes(&mut self, publisher: &Channel) {
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

    pub(super) async fn many(&mut self) {
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

    pub(super) async fn end(&mut self, publisher: &Channel) {
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
