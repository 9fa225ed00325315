//! The gate before the broker. It looks at a client's first bytes, and holds back those that would complete an unwanted
//! login.
//!
//! RabbitMQ lets `guest` in from loopback only (`loopback_users`). Behind a proxy on the broker's machine every client
//! comes from loopback. The gate puts the rule where the client's address is known.

use super::frame::{Piece, Splitter};
use super::login::{Collector, FRAME_MAX, Greeting, client_name, refusal, user, wants_close};
use super::method::Method;
use crate::model::Str;

/// The verdict on the bytes that a client has sent so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Pass on the bytes so far, and ask again with more.
    Undecided,
    /// Pass on all bytes from now on.
    Pass,
    /// Pass on none of the last bytes, and answer a client that understands an answer.
    Refuse {
        /// A `connection.close`, for clients that can be told.
        answer: Option<Vec<u8>>,
        /// The client's name for itself.
        client_name: Option<Str>,
    },
}

/// Looks for one user in a client's login.
#[derive(Debug)]
pub struct Gate {
    user: &'static str,
    greeting: Option<Collector>,
    splitter: Splitter,
    /// The first frame of AMQP 1.0's SASL.
    sasl: Option<Vec<u8>>,
}

/// The most bytes of a `sasl-init` that are read. Every peer must take frames of up to 512 bytes (AMQP 1.0, section
/// 5.3.1), and a login fits into one.
const SASL_BYTES_MAX: usize = 4096;

impl Gate {
    /// A gate that refuses the user.
    #[must_use]
    pub fn refusing(user: &'static str) -> Gate {
        Gate { user, greeting: Some(Collector::default()), splitter: Splitter::new(FRAME_MAX), sasl: None }
    }

    /// Judges the client's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Verdict {
        let mut input = bytes;
        if let Some(collector) = &mut self.greeting {
            match collector.take(&mut input) {
                None => return Verdict::Undecided,
                Some(Greeting::Amqp091) => self.greeting = None,
                // Without SASL every client is the anonymous user, which is `guest` unless configured otherwise.
                Some(Greeting::OtherAmqp { protocol: 0, .. }) => return refuse(None, None),
                Some(Greeting::OtherAmqp { .. }) => {
                    self.greeting = None;
                    self.sasl = Some(Vec::new());
                }
                // The broker will not understand these bytes.
                Some(Greeting::NotAmqp) => return Verdict::Pass,
            }
        }
        if let Some(sasl) = &mut self.sasl {
            let room = SASL_BYTES_MAX - sasl.len();
            sasl.extend_from_slice(input.get(..room.min(input.len())).unwrap_or_default());
            return judge_sasl(sasl, self.user);
        }
        loop {
            match self.splitter.next(&mut input) {
                None => return Verdict::Undecided,
                Some(Ok(Piece::Method { channel: 0, payload })) => {
                    let Ok(Method::StartOk { client_properties, mechanism, response }) = Method::read(payload) else {
                        return Verdict::Pass;
                    };
                    // RabbitMQ 4.0 takes the anonymous user for `guest` (`anonymous_login_user`).
                    if mechanism != ANONYMOUS && user(mechanism, response).as_deref() != Some(self.user) {
                        return Verdict::Pass;
                    }
                    let reason =
                        "ACCESS_REFUSED - this user can only connect via localhost (hoptrail: proxy.refuse_guest)";
                    let answer = wants_close(client_properties).then(|| refusal(reason));
                    return refuse(answer, client_name(client_properties));
                }
                Some(Ok(Piece::Heartbeat)) => {}
                // This is no login: the broker will end the connection.
                Some(_) => return Verdict::Pass,
            }
        }
    }
}

const ANONYMOUS: &[u8] = b"ANONYMOUS";

/// AMQP 1.0: the user stands between zero bytes in the response of PLAIN, and nowhere else in a `sasl-init`.
fn judge_sasl(bytes: &[u8], user: &str) -> Verdict {
    let plain: Vec<u8> = [&[0], user.as_bytes(), &[0]].concat();
    let holds = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    if holds(&plain) || holds(ANONYMOUS) {
        return refuse(None, None);
    }
    let whole = bytes.first_chunk().is_some_and(|size| bytes.len() >= u32::from_be_bytes(*size) as usize);
    if whole || bytes.len() >= SASL_BYTES_MAX { Verdict::Pass } else { Verdict::Undecided }
}

fn refuse(answer: Option<Vec<u8>>, client_name: Option<Str>) -> Verdict {
    Verdict::Refuse { answer, client_name }
}

#[cfg(test)]
mod tests {
    use amq_protocol::frame::{AMQPFrame, WriteContext, gen_frame};
    use amq_protocol::protocol::{AMQPClass, connection};
    use amq_protocol::types::{AMQPValue, FieldTable};

    use super::*;

    fn login(mechanism: &str, response: &[u8], can_be_told: bool) -> Vec<u8> {
        let mut capabilities = FieldTable::default();
        capabilities.insert("authentication_failure_close".into(), AMQPValue::Boolean(can_be_told));
        let mut properties = FieldTable::default();
        properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
        properties.insert("product".into(), AMQPValue::LongString("test".into()));
        let start_ok = connection::AMQPMethod::StartOk(connection::StartOk {
            client_properties: properties,
            mechanism: mechanism.into(),
            response: response.into(),
            locale: "en_US".into(),
        });
        let frame = AMQPFrame::Method(0, AMQPClass::Connection(start_ok));
        let mut bytes = b"AMQP\0\0\x09\x01".to_vec();
        bytes.extend(gen_frame(&frame)(WriteContext::from(Vec::new())).expect("memory takes everything").write);
        bytes
    }

    /// The final verdict of the gate on bytes that come in pieces.
    fn judge(bytes: &[u8], piece: usize) -> Verdict {
        let mut gate = Gate::refusing("guest");
        let mut verdicts = bytes.chunks(piece).map(|chunk| gate.feed(chunk));
        verdicts.find(|verdict| *verdict != Verdict::Undecided).unwrap_or(Verdict::Undecided)
    }

    #[test]
    fn guest_is_refused_however_it_logs_in() {
        let amqplain = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest";
        for (mechanism, response) in [("PLAIN", &b"\0guest\0guest"[..]), ("AMQPLAIN", amqplain), ("ANONYMOUS", b"")] {
            for piece in [1, 7, 10_000] {
                let verdict = judge(&login(mechanism, response, true), piece);
                let Verdict::Refuse { answer: Some(answer), client_name } = verdict else {
                    panic!("{mechanism} in pieces of {piece}: {verdict:?}")
                };
                assert_eq!(answer.get(7..13), Some(&[0, 10, 0, 50, 1, 147][..]), "connection.close, 403");
                assert_eq!(client_name.as_deref(), Some("test"));
            }
        }
        let mute = judge(&login("PLAIN", b"\0guest\0guest", false), 10_000);
        assert!(matches!(mute, Verdict::Refuse { answer: None, .. }), "{mute:?}");
    }

    #[test]
    fn others_pass() {
        for (mechanism, response) in
            [("PLAIN", &b"\0shop\0guest"[..]), ("PLAIN", b""), ("EXTERNAL", b""), ("X", b"guest")]
        {
            assert_eq!(judge(&login(mechanism, response, true), 3), Verdict::Pass, "{mechanism}");
        }
        assert_eq!(judge(b"GET / HTTP/1.1\r\n", 1), Verdict::Pass);
        assert_eq!(judge(b"AMQP\0\0\x09\x01\x01\0\0\xff\xff\xff\xff", 1), Verdict::Pass);
    }

    #[test]
    fn guest_of_amqp_1_0_is_refused() {
        let sasl = |init: &[u8]| {
            let mut bytes = b"AMQP\x03\x01\0\0".to_vec();
            bytes.extend((init.len() as u32 + 8).to_be_bytes());
            bytes.extend([2, 1, 0, 0]);
            bytes.extend(init);
            bytes
        };
        for (bytes, refused) in [
            (sasl(b"\0S\x41\xc0\x16\x02\xa3\x05PLAIN\xa0\x0c\0guest\0guest"), true),
            (sasl(b"\0S\x41\xc0\x16\x02\xa3\x05PLAIN\xa0\x0b\0shop\0guest"), false),
            (sasl(b"\0S\x41\xc0\x0c\x01\xa3\x09ANONYMOUS"), true),
            (b"AMQP\0\x01\0\0".to_vec(), true),
        ] {
            for piece in [1, 1000] {
                let verdict = judge(&bytes, piece);
                assert_eq!(matches!(verdict, Verdict::Refuse { .. }), refused, "{verdict:?}");
                assert_ne!(verdict, Verdict::Undecided);
            }
        }
    }
}
