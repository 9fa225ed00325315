//! The connection to the broker: opening it, noticing its end, closing it.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind};

use super::error::{ACCESS_REFUSED, AmqpError, NOT_FOUND};
use super::transport;
use crate::config::Config;

/// The `product` among the client properties of hoptrail's connections.
pub const PRODUCT: &str = "hoptrail";

/// Seconds between heartbeats where the URL says nothing: a broker that is gone without a word is noticed within half
/// a minute.
const HEARTBEAT: u16 = 15;
/// AMQP's reply code of a closing that nobody is to blame for.
const REPLY_SUCCESS: u16 = 200;

/// Why there is no connection. Each text names the event, its object and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers.
    #[error("the broker at {address} does not answer ({cause}): is it running, and is broker.url right?")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        cause: String,
    },
    /// The broker does not know the user, or not with this password.
    #[error("the broker at {address} refused the user {user:?}: correct user and password in broker.url")]
    Credentials {
        /// Where.
        address: String,
        /// The user.
        user: String,
    },
    /// The vhost is missing, or the user may not enter it.
    #[error(
        "the user {user:?} cannot enter the vhost {vhost:?} ({text}): create it (rabbitmqctl add_vhost), permit the user (rabbitmqctl set_permissions), or correct broker.vhosts"
    )]
    Vhost {
        /// The user.
        user: String,
        /// Where to.
        vhost: String,
        /// The broker's words.
        text: String,
    },
    /// The broker ended the connection for another reason.
    #[error("the broker at {address} ended the connection: {cause}")]
    Refused {
        /// Where.
        address: String,
        /// Why.
        cause: String,
    },
}

/// The broker's address in a vhost, by the settings.
fn uri(config: &Config, vhost: &str) -> Option<AMQPUri> {
    // Checked when the configuration was loaded.
    let mut uri: AMQPUri = config.broker.url.reveal().parse().ok()?;
    vhost.clone_into(&mut uri.vhost);
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    Some(uri)
}

/// Opens a connection to a vhost.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(config: &Config, vhost: &str) -> Result<Connection, ConnectError> {
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
    match tokio::time::timeout(timeout, transport::open(uri, properties)).await {
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

/// Notices the end of a connection, also when nothing is under way on it. There is one for a connection, because lapin
/// tells one listener only.
pub struct Ending {
    events: Pin<Box<dyn Stream<Item = lapin::Event> + Send>>,
    unreadable: bool,
}

impl Ending {
    /// Of this connection.
    #[must_use]
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

    /// The connection has ended because lapin could not read a message of the broker.
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
pub async fn close(connection: &Connection, patience: Duration) {
    let closing = connection.close(REPLY_SUCCESS, "hoptrail stops".into());
    if let Ok(Err(error)) = tokio::time::timeout(patience, closing).await {
        tracing::debug!(%error, "closing the connection to the broker");
    }
}
