//! The tap at full speed, on a real broker: publishes as fast as the broker takes them, first without and then with
//! hoptrail attached (firehose and binding), and waits until everything is recorded.
//!
//! ```text
//! cargo bench --bench tap [-- --messages 200000 --bytes 1000 --broker 3.10]
//! ```
//!
//! The last line is `RESULT {json}`: rates in messages a second, `vs_untapped` as a ratio of the two, hoptrail's
//! highest resident memory, its processor time, and the events recorded against those expected.

#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use support::{Broker, Hoptrail, argument};

/// Publishes that may await their confirm.
const UNCONFIRMED_MAX: usize = 500;
const EXCHANGE: &str = "bench.orders";

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
#[expect(clippy::unwrap_used, reason = "a bench ends at the first thing that fails")]
async fn main() {
    hoptrail::web::install_tls();
    let messages: u64 = argument("--messages").map_or(200_000, |text| text.parse().unwrap());
    let bytes: usize = argument("--bytes").map_or(1000, |text| text.parse().unwrap());
    let version = argument("--broker").unwrap_or_else(|| "3.10".into());
    let broker = Broker::start(&version);
    let connection = Connection::connect(&broker.url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    declare(&channel).await;
    let untapped = publish(&channel, messages, bytes).await;
    println!("untapped:  {messages} messages of {bytes} bytes at {untapped:.0}/s");

    let hoptrail = Hoptrail::start(&broker, &[("tap.exchanges", r#"["bench.*"]"#)], 4);
    let before = hoptrail.recorded("publish");
    let started = hoptrail::clock::instant();
    let tapped = publish(&channel, messages, bytes).await;
    println!("tapped:    {messages} messages of {bytes} bytes at {tapped:.0}/s");
    // The firehose and the binding see each publish once.
    let expected = 2 * messages;
    hoptrail.wait_until("everything is recorded", Duration::from_secs(600), |hoptrail| {
        hoptrail.recorded("publish") - before >= expected
    });
    let recorded = hoptrail.recorded("publish") - before;
    let rate = recorded as f64 / started.elapsed().as_secs_f64();
    let usage = hoptrail.usage();
    println!("recorded:  {recorded} of {expected} events at {rate:.0}/s");
    println!("hoptrail:  {:.0} MB at most, {:.1} s of processor time", usage.rss_mb, usage.cpu_seconds);
    println!(
        "RESULT {{\"publish_per_s\": {tapped:.0}, \"untapped_per_s\": {untapped:.0}, \"vs_untapped\": {:.3}, \
         \"recorded_per_s\": {rate:.0}, \"recorded_events\": {recorded}, \"expected_events\": {expected}, \
         \"rss_mb\": {:.0}, \"cpu_s\": {:.1}}}",
        tapped / untapped,
        usage.rss_mb,
        usage.cpu_seconds
    );
    assert_eq!(recorded, expected, "not everything was recorded, or something twice");
}

/// An exchange with a short queue that drops its oldest, so that the broker's memory is not what is measured.
#[expect(clippy::unwrap_used, reason = "a bench ends at the first thing that fails")]
async fn declare(channel: &Channel) {
    let mut short = FieldTable::default();
    short.insert("x-max-length".into(), AMQPValue::LongInt(1000));
    let exchange = ExchangeDeclareOptions::default();
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, exchange, FieldTable::default()).await.unwrap();
    channel.queue_declare("bench.mes".into(), QueueDeclareOptions::default(), short).await.unwrap();
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind("bench.mes".into(), EXCHANGE.into(), "#".into(), options, none).await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
}

/// Publishes with confirms; messages a second.
#[expect(clippy::unwrap_used, reason = "a bench ends at the first thing that fails")]
async fn publish(channel: &Channel, messages: u64, bytes: usize) -> f64 {
    let filler = "x".repeat(bytes.saturating_sub(90));
    let mut waiting = std::collections::VecDeque::new();
    let started = hoptrail::clock::instant();
    for number in 0..messages {
        let body = format!(
            r#"{{"orderId":"JW-{:06}","customerId":"C-{}","status":"SUBMITTED","note":"{filler}"}}"#,
            number / 8,
            number % 977
        );
        let properties = BasicProperties::default()
            .with_message_id(format!("bench-{number}").into())
            .with_content_type("application/json".into());
        let options = BasicPublishOptions::default();
        let key = "order.submitted".into();
        waiting.push_back(
            channel.basic_publish(EXCHANGE.into(), key, options, body.as_bytes(), properties).await.unwrap(),
        );
        if waiting.len() >= UNCONFIRMED_MAX {
            waiting.pop_front().unwrap().await.unwrap();
        }
    }
    for confirm in waiting {
        confirm.await.unwrap();
    }
    messages as f64 / started.elapsed().as_secs_f64()
}
