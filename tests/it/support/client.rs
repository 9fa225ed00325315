//! An ordinary AMQP client.

use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::eventually;

pub struct Client {
    pub channel: Channel,
    connection: Connection,
}

impl Client {
    pub async fn connect(url: &str) -> Client {
        Self::named(url, "Shop API 1.4").await
    }

    pub async fn named(url: &str, name: &str) -> Client {
        let properties = ConnectionProperties::default().with_connection_name(name.to_owned().into());
        let connection = Connection::connect(url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Client { channel, connection }
    }

    /// Says good-bye.
    pub async fn close(self) {
        self.connection.close(200, "good-bye".into()).await.unwrap();
    }

    /// Publishes, and waits for the confirm.
    pub async fn publish(&self, exchange: &str, key: &str, id: &str, body: &str) {
        self.publish_with(exchange, key, persistent(id), body).await;
    }

    pub async fn publish_with(&self, exchange: &str, key: &str, properties: BasicProperties, body: &str) {
        let options = BasicPublishOptions::default();
        let sent = self.channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties).await;
        let confirmed = sent.unwrap().await.unwrap();
        assert!(confirmed.is_ack(), "the broker did not take it: {confirmed:?}");
    }

    /// Takes one message out of a queue, waiting for it.
    pub async fn take(&self, queue: &str) -> lapin::message::BasicGetMessage {
        eventually(&format!("a message in {queue}"), async || {
            let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap();
            got.ok_or_else(|| "there is none".to_owned())
        })
        .await
    }

    pub async fn ack(&self, tag: u64) {
        self.channel.basic_ack(tag, BasicAckOptions::default()).await.unwrap();
    }

    /// Rejects without requeueing.
    pub async fn reject(&self, tag: u64) {
        self.channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await.unwrap();
    }
}

/// A persistent message with an id.
pub fn persistent(id: &str) -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2).with_message_id(id.into()).with_headers(FieldTable::default())
}
