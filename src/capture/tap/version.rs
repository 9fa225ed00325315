//! The broker's version without the management API: from the first thing a broker says.

use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::connection::AMQPMethod;
use lapin::uri::{AMQPScheme, AMQPUri};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::amqp;
use crate::config::Config;

/// `connection.start` of RabbitMQ takes about 500 bytes; before tuning a frame has 8192 at most (RabbitMQ 4.1).
const START_BYTES_MAX: usize = 8192;
/// What a client begins with (AMQP 0-9-1, section 4.2.2).
const PROTOCOL_HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// It is a question beside the way: not worth a long wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens a connection, reads the server's properties and hangs up. Without TLS only: `None` otherwise.
pub(super) async fn ask(config: &Config, vhost: &str) -> Option<String> {
    let uri = amqp::uri(config, vhost).filter(|uri| uri.scheme == AMQPScheme::AMQP)?;
    match tokio::time::timeout(PATIENCE, start_frame(&uri)).await {
        Ok(Ok(bytes)) => version(&bytes),
        Ok(Err(error)) => {
            tracing::debug!(%error, "asking the broker for its version");
            None
        }
        Err(_) => None,
    }
}

async fn start_frame(uri: &AMQPUri) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((uri.authority.host.as_str(), uri.authority.port)).await?;
    stream.write_all(PROTOCOL_HEADER).await?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while bytes.len() < START_BYTES_MAX && version(&bytes).is_none() {
        match stream.read(&mut chunk).await? {
            0 => break,
            len => bytes.extend(chunk.iter().take(len)),
        }
    }
    Ok(bytes)
}

/// The server property `version`, once the frame is complete.
fn version(bytes: &[u8]) -> Option<String> {
    let Ok((_, AMQPFrame::Method(0, AMQPClass::Connection(AMQPMethod::Start(start))))) = parse_frame(bytes) else {
        return None;
    };
    start.server_properties.inner().get("version").and_then(crate::wire::text).map(|text| text.to_string())
}
