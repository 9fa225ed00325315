//! The connection to the broker: opening it, and doing on it what the broker may refuse.
//!
//! A refusal closes the channel it happened on (AMQP 0-9-1, section 1.2: errors are channel exceptions), so whatever may
//! be refused runs on a channel of its own.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions};
use lapin::protocol::AMQPErrorKind;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};

use super::names::PRODUCT;
use super::topology::Bind;
use crate::config::Config;

/// Seconds between heartbeats where the URL says nothing: a broker that is gone without a word is noticed within half
/// a minute.
const HEARTBEAT: u16 = 15;
/// AMQP's reply code of a closing that nobody is to blame for.
const REPLY_SUCCESS: u16 = 200;

/// Why something did not happen on the broker.
#[derive(Debug, thiserror::Error)]
pub(super) enum AmqpError {
    /// The broker refused; the connection is well.
    #[error("{text} ({code})")]
    Refused { code: u16, text: String },
    /// The connection is gone.
    #[error("{0}")]
    Lost(String),
    /// The connection was closed, and nobody said why.
    #[error("it was closed")]
    Closed,
}

impl From<lapin::Error> for AmqpError {
    fn from(error: lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(refusal) if matches!(refusal.kind(), AMQPErrorKind::Soft(_)) => {
                AmqpError::Refused { code: refusal.get_id(), text: refusal.get_message().to_string() }
            }
            // Without lapin's own words around those of the broker.
            ErrorKind::ProtocolError(refusal) => AmqpError::Lost(refusal.get_message().to_string()),
            ErrorKind::IOError(cause) => AmqpError::Lost(cause.to_string()),
            ErrorKind::ParsingError(_) => AmqpError::Lost("a message that is not valid AMQP came".to_owned()),
            _ => AmqpError::Lost(error.to_string()),
        }
    }
}

/// No such exchange or queue (AMQP 0-9-1, section 1.5.2, as the other codes).
pub(super) const NOT_FOUND: u16 = 404;
/// A permission is missing.
pub(super) const ACCESS_REFUSED: u16 = 403;
/// It exists with other settings.
pub(super) const PRECONDITION_FAILED: u16 = 406;

/// Why there is no connection: what happened, to what, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the broker at {address} does not answer ({cause}): is it running, and is broker.url right?")]
    Unreachable { address: String, cause: String },
    #[error("the broker at {address} refused the user {user:?}: correct user and password in broker.url")]
    Credentials { address: String, user: String },
    #[error(
        "the user {user:?} cannot enter the vhost {vhost:?} ({text}): create it (rabbitmqctl add_vhost), permit the user (rabbitmqctl set_permissions), or correct broker.vhosts"
    )]
    Vhost { user: String, vhost: String, text: String },
    #[error("the broker at {address} ended the connection: {cause}")]
    Refused { address: String, cause: String },
}

/// The broker's address in a vhost, by the settings.
pub(super) fn uri(config: &Config, vhost: &str) -> Option<AMQPUri> {
    // Checked when the configuration was loaded.
    let mut uri: AMQPUri = config.broker.url.reveal().parse().ok()?;
    vhost.clone_into(&mut uri.vhost);
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    Some(uri)
}

/// Opens a connection to a vhost.
pub(super) async fn connect(config: &Config, vhost: &str) -> Result<Connection, ConnectError> {
    let Some(uri) = uri(config, vhost) else {
        let cause = "broker.url cannot be read".to_owned();
        return Err(ConnectError::Unreachable { address: "?".to_owned(), cause });
    };
    let address = format!("{}:{}", uri.authority.host, uri.authority.port);
    let user = uri.authority.userinfo.username.clone();
    let properties = ConnectionProperties::default()
        .with_connection_name(format!("hoptrail {}", config.tap.instance).into())
        .with_client_property("product".into(), PRODUCT.into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into());
    let timeout = config.broker.connect_timeout;
    match tokio::time::timeout(timeout, Connection::connect_uri(uri, properties)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(connect_error(&error, address, user, vhost)),
        Err(_) => Err(ConnectError::Unreachable { address, cause: format!("no answer in {timeout:?}") }),
    }
}

fn connect_error(error: &lapin::Error, address: String, user: String, vhost: &str) -> ConnectError {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => match refusal.get_id() {
            ACCESS_REFUSED => ConnectError::Credentials { address, user },
            // NOT_ALLOWED: RabbitMQ's answer to `connection.open` with a vhost that is missing or not permitted.
            530 | NOT_FOUND => {
                ConnectError::Vhost { user, vhost: vhost.to_owned(), text: refusal.get_message().to_string() }
            }
            _ => ConnectError::Refused { address, cause: refusal.get_message().to_string() },
        },
        ErrorKind::IOError(cause) => ConnectError::Unreachable { address, cause: cause.to_string() },
        _ => ConnectError::Refused { address, cause: error.to_string() },
    }
}

/// Notices the end of a connection, also when nothing is under way on it. There is one for a connection: what lapin tells
/// is told to one listener only.
pub(super) struct Ending {
    events: Pin<Box<dyn Stream<Item = lapin::Event> + Send>>,
    unreadable: bool,
}

impl Ending {
    /// Of this connection.
    pub fn of(connection: &Connection) -> Self {
        Ending { events: Box::pin(connection.events_listener()), unreadable: false }
    }

    /// Waits until the connection ends by itself, and says why.
    pub async fn wait(&mut self) -> AmqpError {
        while let Some(event) = self.events.next().await {
            if let lapin::Event::Error(error) = event {
                self.unreadable |= is_unreadable(&error);
                match error.into() {
                    // Ends a channel, not the connection; whoever used the channel deals with it.
                    AmqpError::Refused { .. } => {}
                    lost => return lost,
                }
            }
        }
        AmqpError::Closed
    }

    /// The connection has ended because lapin could not read what the broker sent.
    pub fn was_unreadable(&mut self) -> bool {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            self.unreadable |= matches!(event, lapin::Event::Error(error) if is_unreadable(&error));
        }
        self.unreadable
    }
}

fn is_unreadable(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ParsingError(_))
}

/// Closes a connection, without waiting longer than `patience` for the broker's answer.
pub(super) async fn close(connection: &Connection, patience: Duration) {
    let closing = connection.close(REPLY_SUCCESS, "hoptrail stops".into());
    if let Ok(Err(error)) = tokio::time::timeout(patience, closing).await {
        tracing::debug!(%error, "closing the connection to the broker");
    }
}

/// The exchange exists and may be looked at.
pub(super) async fn check_exchange(connection: &Connection, exchange: &str) -> Result<(), AmqpError> {
    let channel = connection.create_channel().await?;
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    // A passive declaration compares no type (AMQP 0-9-1, exchange.declare, `passive`).
    Ok(channel.exchange_declare(exchange.into(), ExchangeKind::Topic, passive, FieldTable::default()).await?)
}

/// Binds and unbinds a queue, going on after a refusal.
pub(super) struct Binder<'a> {
    connection: &'a Connection,
    queue: &'a str,
    channel: Option<Channel>,
}

impl<'a> Binder<'a> {
    /// For the bindings of `queue`.
    pub fn new(connection: &'a Connection, queue: &'a str) -> Self {
        Binder { connection, queue, channel: None }
    }

    /// Adds a binding; adding what is there is no error.
    pub async fn bind(&mut self, bind: &Bind) -> Result<(), AmqpError> {
        let (queue, exchange, key) =
            (self.queue.into(), bind.exchange.as_str().into(), bind.routing_key.as_str().into());
        let channel = self.channel().await?;
        let done = channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await;
        self.outcome(done)
    }

    /// Removes a binding.
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
