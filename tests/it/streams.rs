//! Why the tap's queues are no streams: on one release a stream gets no traces, on the next it loses their tables.
//!
//! This is about RabbitMQ, not about hoptrail. When it fails on a new release, the reason in the tap's queues is history.

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions};
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;

use crate::support::{Scene, on_each_broker};

#[test]
fn a_stream_does_not_keep_what_a_trace_says() {
    on_each_broker(async |scene: Scene| {
        scene.queue("stream", json!({ "x-queue-type": "stream" })).await;
        scene.queue("classic", json!({})).await;
        scene.exchange("orders", "fanout").await;
        let client = scene.client().await;
        for queue in ["stream", "classic"] {
            let (trace, key) = ("amq.rabbitmq.trace".into(), "publish.orders".into());
            let options = QueueBindOptions::default();
            client.channel.queue_bind(queue.into(), trace, key, options, FieldTable::default()).await.unwrap();
        }
        scene.put(&format!("vhosts/{}", scene.vhost), json!({ "tracing": true })).await;
        client.publish("orders", "k", "traced", "ring").await;
        let trace = client.take("classic").await;
        let headers = trace.delivery.properties.headers().clone().unwrap();
        assert!(matches!(headers.inner().get("properties"), Some(AMQPValue::FieldTable(_))), "{headers:?}");
        assert!(matches!(headers.inner().get("routing_keys"), Some(AMQPValue::FieldArray(_))), "{headers:?}");
        // Comes after the trace, if the trace comes.
        client.publish("", "stream", "marker", "marker").await;
        let first = first_of_stream(&scene).await;
        match scene.node.release.as_str() {
            "3.10" => assert_eq!(first.0, "marker", "the stream received the trace"),
            _ => {
                let (body, headers) = first;
                assert_eq!(body, "ring", "the stream did not receive the trace");
                assert!(headers.inner().contains_key("exchange_name"), "{headers:?}");
                for lost in ["properties", "routing_keys"] {
                    assert!(!headers.inner().contains_key(lost), "{lost} is kept: {headers:?}");
                }
            }
        }
    });
}

/// Body and headers of the first message of the stream.
async fn first_of_stream(scene: &Scene) -> (String, FieldTable) {
    let client = scene.client().await;
    client.channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
    let options = BasicConsumeOptions::default();
    let consumer = client.channel.basic_consume("stream".into(), "reader".into(), options, arguments).await;
    let delivery = consumer.unwrap().next().await.unwrap().unwrap();
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    let headers = delivery.properties.headers().clone().unwrap_or_default();
    (String::from_utf8(delivery.data).unwrap(), headers)
}
