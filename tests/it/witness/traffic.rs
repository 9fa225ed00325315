//! Traffic of two clients at once: pika does everything that can be done with a message, lapin does it fast.

use std::fs;
use std::process::Command;

use futures_util::StreamExt as _;
use futures_util::future::{join, join_all};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::support::process::Process;
use crate::support::{REPO, Scene, eventually};

/// Channels of each of lapin's connections.
const CHANNELS: usize = 3;
/// Messages of each channel that reach a queue.
const MESSAGES: usize = 300;
/// One publish in so many goes nowhere.
const RETURNED_ONE_IN: usize = 12;
/// Deliveries that are settled by one method; `MESSAGES` is a multiple of it.
const BATCH: usize = 10;
/// Deliveries under way: more than a batch, or none would become full.
const PREFETCH: u16 = 35;

/// Plays it all, and waits until every session has ended.
pub async fn play(scene: &Scene, url: &str) {
    let told = scene.dir().join("pika");
    let file = fs::File::create(&told).unwrap();
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-B").arg(format!("{REPO}/tests/it/witness/traffic.py")).arg(url);
    let mut pika = Process::start(command.stdout(file.try_clone().unwrap()).stderr(file));
    join(lapin(url), async {
        let status = eventually("pika's end", async || pika.has_ended().ok_or_else(|| "it runs".to_owned())).await;
        assert!(status.success(), "pika failed: {}", fs::read_to_string(&told).unwrap());
    })
    .await;
}

async fn lapin(url: &str) {
    let from = connect(url, "lapin from").await;
    let to = connect(url, "lapin to").await;
    let (from_channels, to_channels) = (&from, &to);
    let parts = (0..CHANNELS).map(|number| async move {
        let queue = format!("lapin.{number}");
        let publisher = from_channels.create_channel().await.unwrap();
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        publisher.queue_declare(queue.as_str().into(), options, FieldTable::default()).await.unwrap();
        let consumer = to_channels.create_channel().await.unwrap();
        join(publish(&publisher, &queue), consume(&consumer, &queue)).await;
        (publisher, consumer)
    });
    // Channels that are let go would be closed while their connection is.
    let channels = join_all(parts).await;
    for connection in [&from, &to] {
        connection.close(200, "done".into()).await.unwrap();
    }
    drop(channels);
}

async fn connect(url: &str, name: &str) -> Connection {
    let properties = ConnectionProperties::default().with_connection_name(name.to_owned().into());
    Connection::connect(url, properties).await.unwrap()
}

/// Publishes without a pause; confirms come for many at once.
async fn publish(channel: &Channel, queue: &str) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let mut confirms = Vec::new();
    for number in 0..MESSAGES {
        let body = vec![b'l'; number * 37 % 9000];
        let mut headers = FieldTable::default();
        headers.insert("number".into(), AMQPValue::LongInt(i32::try_from(number).unwrap()));
        headers.insert("queue".into(), AMQPValue::LongString(queue.into()));
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_message_id(format!("{queue}-{number}").into())
            .with_correlation_id(format!("order {}", number / 8).into())
            .with_headers(headers);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        if number % RETURNED_ONE_IN == 0 {
            let nowhere = format!("{queue}.nowhere");
            let sent = channel.basic_publish("".into(), nowhere.into(), options, &body, properties.clone()).await;
            confirms.push((true, sent.unwrap()));
        }
        let sent = channel.basic_publish("".into(), queue.into(), options, &body, properties).await;
        confirms.push((false, sent.unwrap()));
    }
    // lapin hands a returned message out with the next confirm that comes, which need not be its own.
    let wanted = confirms.iter().filter(|(returned, _)| *returned).count();
    let mut returned = 0;
    for (_, confirm) in confirms {
        returned += usize::from(confirm.await.unwrap().take_message().is_some());
    }
    assert_eq!(returned, wanted);
}

/// Takes every message, in batches; every second batch goes back if none of it did before.
async fn consume(channel: &Channel, queue: &str) {
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let mut deliveries =
        channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap().chunks(BATCH);
    let (mut taken, mut batches) = (0, 0);
    while taken < MESSAGES {
        let batch: Vec<_> = deliveries.next().await.unwrap().into_iter().map(Result::unwrap).collect();
        batches += 1;
        let last = batch.last().unwrap();
        if batches % 2 == 0 && batch.iter().all(|delivery| !delivery.redelivered) {
            last.nack(BasicNackOptions { multiple: true, requeue: true }).await.unwrap();
        } else {
            last.ack(BasicAckOptions { multiple: true }).await.unwrap();
            taken += batch.len();
        }
    }
}
