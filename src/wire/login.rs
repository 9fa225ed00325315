//! The beginning of a connection: the protocol header, and the user that logs in (AMQP 0-9-1, sections 4.2.2 and
//! 1.4.2).

use super::table::{table, text};
use crate::model::{Str, Value};

/// Bytes of a protocol header.
pub(super) const GREETING: usize = 8;

/// The largest frame before the two sides have agreed on one. The specification says 4096, and RabbitMQ 8192 since 4.1
/// (`initial_frame_max`). That setting is raised where tokens serve as passwords. A larger frame is no login.
pub(super) const FRAME_MAX: u32 = 64 << 10;

/// The first bytes of a client, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// AMQP 0-9-1, or the forms in which old clients ask for it (RabbitMQ 3.10, `rabbit_reader`).
    Amqp091,
    /// Another version of AMQP.
    OtherAmqp {
        /// 0: AMQP follows at once; 3: SASL comes first (AMQP 1.0, sections 2.2 and 5.3).
        protocol: u8,
        major: u8,
        minor: u8,
    },
    /// Something else.
    NotAmqp,
}

impl Greeting {
    pub(super) fn read(greeting: [u8; GREETING]) -> Greeting {
        match greeting {
            [b'A', b'M', b'Q', b'P', 0, 0, 9, 1] | [b'A', b'M', b'Q', b'P', 1, 1, 0 | 8 | 9, _] => Greeting::Amqp091,
            [b'A', b'M', b'Q', b'P', protocol, major, minor, _] => Greeting::OtherAmqp { protocol, major, minor },
            _ => Greeting::NotAmqp,
        }
    }
}

/// The user name of a client's login, if the mechanism has one. The response's secret part is left where it is.
pub(super) fn user(mechanism: &[u8], response: &[u8]) -> Option<Str> {
    match mechanism {
        // RFC 4616: authorization identity, user, password, with zero bytes between.
        b"PLAIN" => response.split(|byte| *byte == 0).nth(1).map(text),
        // A table without its length, as RabbitMQ and its clients write it.
        b"AMQPLAIN" => {
            let entries = table(response).ok()?.kept;
            let login = entries.into_iter().find(|(name, _)| &**name == "LOGIN");
            login.and_then(|(_, value)| value.as_text().cloned())
        }
        _ => None,
    }
}

/// The client's name for itself.
pub(super) fn client_name(client_properties: &[u8]) -> Option<Str> {
    let properties = Value::Table(table(client_properties).ok()?.kept);
    let named = |name: &str| properties.get(name).and_then(Value::as_text).filter(|text| !text.is_empty()).cloned();
    named("connection_name").or_else(|| named("product"))
}

/// The client asks for a `connection.close` with the reason if its login fails (RabbitMQ's capability
/// `authentication_failure_close`).
pub(super) fn wants_close(client_properties: &[u8]) -> bool {
    let Ok(properties) = table(client_properties) else { return false };
    let properties = Value::Table(properties.kept);
    let capabilities = properties.get("capabilities");
    capabilities.and_then(|it| it.get("authentication_failure_close")) == Some(&Value::Bool(true))
}

/// Collects the first bytes of a client; gives `None` until there are enough of them.
#[derive(Debug, Default)]
pub(super) struct Collector(Vec<u8>);

impl Collector {
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<Greeting> {
        let (some, rest) = input.split_at((GREETING - self.0.len()).min(input.len()));
        self.0.extend_from_slice(some);
        *input = rest;
        let amqp = b"AMQP";
        // A client that does not speak AMQP may never send eight bytes.
        if self.0.iter().zip(amqp).any(|(byte, wanted)| byte != wanted) {
            return Some(Greeting::NotAmqp);
        }
        self.0.first_chunk().map(|greeting| Greeting::read(*greeting))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A refusal as RabbitMQ writes it: `connection.close` with 403 (AMQP 0-9-1, `access-refused`).
pub(super) fn refusal(reason: &str) -> Vec<u8> {
    let reason = reason.as_bytes().get(..255).unwrap_or(reason.as_bytes());
    let mut payload = vec![0, 10, 0, 50];
    payload.extend(403u16.to_be_bytes());
    payload.push(u8::try_from(reason.len()).unwrap_or(u8::MAX));
    payload.extend_from_slice(reason);
    payload.extend([0, 0, 0, 0]);
    let mut frame = vec![1, 0, 0];
    frame.extend(u32::try_from(payload.len()).unwrap_or_default().to_be_bytes());
    frame.append(&mut payload);
    frame.push(0xce);
    frame
}
