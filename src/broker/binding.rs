//! Exchanges, and the bindings of a queue to them.
//!
//! A refusal closes its channel (AMQP 0-9-1, section 1.2: errors are channel exceptions). So every request that the
//! broker may refuse runs on a channel of its own.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ExchangeKind};

use super::error::AmqpError;

/// One binding of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bind {
    /// The exchange that the queue takes messages from.
    pub exchange: String,
    /// The key of the binding.
    pub routing_key: String,
}

/// The exchange exists and may be looked at.
///
/// # Errors
/// [`AmqpError`]; `NOT_FOUND` where it does not exist.
pub async fn check_exchange(connection: &Connection, exchange: &str) -> Result<(), AmqpError> {
    let channel = connection.create_channel().await?;
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    // A passive declaration compares no type (AMQP 0-9-1, exchange.declare, `passive`).
    Ok(channel.exchange_declare(exchange.into(), ExchangeKind::Topic, passive, FieldTable::default()).await?)
}

/// Binds and unbinds a queue, going on after a refusal.
pub struct Binder<'a> {
    connection: &'a Connection,
    queue: &'a str,
    channel: Option<Channel>,
}

impl<'a> Binder<'a> {
    /// For the bindings of `queue`.
    #[must_use]
    pub fn new(connection: &'a Connection, queue: &'a str) -> Self {
        Binder { connection, queue, channel: None }
    }

    /// Adds a binding. Adding one that exists is no error.
    ///
    /// # Errors
    /// [`AmqpError`].
    pub async fn bind(&mut self, bind: &Bind) -> Result<(), AmqpError> {
        let (queue, exchange, key) =
            (self.queue.into(), bind.exchange.as_str().into(), bind.routing_key.as_str().into());
        let channel = self.channel().await?;
        let done = channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await;
        self.outcome(done)
    }

    /// Removes a binding.
    ///
    /// # Errors
    /// [`AmqpError`].
    pub async fn unbind(&mut self, bind: &Bind) -> Result<(), AmqpError> {
        let (queue, exchange, key) =
            (self.queue.into(), bind.exchange.as_str().into(), bind.routing_key.as_str().into());
        let channel = self.channel().await?;
        let done = channel.queue_unbind(queue, exchange, key, FieldTable::default()).await;
        self.outcome(done)
    }

    async fn channel(&mut self) -> Result<Channel, AmqpError> {
        match &self.channel {
            Some(channel) => Ok(channel.clone()),
            None => Ok(self.channel.insert(self.connection.create_channel().await?).clone()),
        }
    }

    fn outcome(&mut self, done: lapin::Result<()>) -> Result<(), AmqpError> {
        if done.is_err() {
            self.channel = None;
        }
        Ok(done?)
    }
}
