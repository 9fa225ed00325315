//! The broker's refusals of operations on a connection.

use lapin::ErrorKind;
use lapin::protocol::AMQPErrorKind;

/// Why something did not happen on the broker.
#[derive(Debug, thiserror::Error)]
pub enum AmqpError {
    /// The broker refused; the connection is well.
    #[error("{text} ({code})")]
    Refused {
        /// AMQP's reply code.
        code: u16,
        /// The broker's words.
        text: String,
    },
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
pub const NOT_FOUND: u16 = 404;
/// A permission is missing.
pub const ACCESS_REFUSED: u16 = 403;
/// It exists with other settings.
pub const PRECONDITION_FAILED: u16 = 406;
