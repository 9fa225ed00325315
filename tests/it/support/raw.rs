//! AMQP 0-9-1 by hand, for messages that no library lets through.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// RabbitMQ's own limit; 0, for none, is refused.
const CHANNEL_MAX: u16 = 2047;
/// Larger than anything the tests send in one frame, and no more than brokers take.
const FRAME_MAX: u32 = 131_072;

/// A connection with one channel, in confirm mode.
pub struct Raw(TcpStream);

/// A connection on which only the first bytes are exchanged.
pub struct Greeted {
    pub answer: [u8; 8],
    _stream: TcpStream,
}

impl Greeted {
    /// Sends this, and reads the protocol header that answers it.
    pub fn greet(port: u16, greeting: &[u8]) -> Greeted {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(greeting).unwrap();
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).unwrap();
        Greeted { answer, _stream: stream }
    }
}

/// A message: header fields as they stand in the frame.
pub struct Message<'a> {
    pub exchange: &'a str,
    pub routing_key: &'a [u8],
    pub message_id: &'a str,
    /// The content of the header table, without its length.
    pub headers: Vec<u8>,
    pub body: &'a [u8],
}

impl Raw {
    pub fn connect(port: u16, vhost: &str) -> Raw {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut raw = Raw(stream);
        raw.0.write_all(b"AMQP\0\0\x09\x01").unwrap();
        raw.expect(10, 10);
        let login = [&0_u32.to_be_bytes()[..], &short(b"PLAIN"), &long(b"\0guest\0guest"), &short(b"en_US")].concat();
        raw.method(0, 10, 11, &login);
        raw.expect(10, 30);
        raw.method(
            0,
            10,
            31,
            &[&CHANNEL_MAX.to_be_bytes()[..], &FRAME_MAX.to_be_bytes(), &0_u16.to_be_bytes()].concat(),
        );
        raw.method(0, 10, 40, &[&short(vhost.as_bytes())[..], &short(b""), &[0]].concat());
        raw.expect(10, 41);
        raw.method(1, 20, 10, &short(b""));
        raw.expect(20, 11);
        raw.method(1, 85, 10, &[0]);
        raw.expect(85, 11);
        raw
    }

    /// Publishes, and waits for the confirm.
    pub fn publish(&mut self, message: &Message<'_>) {
        let place = [&[0, 0][..], &short(message.exchange.as_bytes()), &short(message.routing_key), &[0]].concat();
        self.method(1, 60, 40, &place);
        // headers, delivery-mode, message-id
        const FLAGS: u16 = 1 << 13 | 1 << 12 | 1 << 7;
        let header = [
            &60_u16.to_be_bytes()[..],
            &[0, 0],
            &(message.body.len() as u64).to_be_bytes(),
            &FLAGS.to_be_bytes(),
            &long(&message.headers),
            &[2],
            &short(message.message_id.as_bytes()),
        ];
        self.frame(2, 1, &header.concat());
        if !message.body.is_empty() {
            self.frame(3, 1, message.body);
        }
        self.expect(60, 80);
    }

    fn method(&mut self, channel: u16, class: u16, method: u16, arguments: &[u8]) {
        self.frame(1, channel, &[&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat());
    }

    fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap();
        let frame = [&[kind][..], &channel.to_be_bytes(), &length.to_be_bytes(), payload, &[0xce]].concat();
        self.0.write_all(&frame).unwrap();
    }

    /// Reads until this method comes, skipping heartbeats.
    fn expect(&mut self, class: u16, method: u16) {
        loop {
            let mut head = [0; 7];
            self.0.read_exact(&mut head).unwrap();
            let length = u32::from_be_bytes(head[3..].try_into().unwrap()) as usize;
            let mut payload = vec![0; length + 1];
            self.0.read_exact(&mut payload).unwrap();
            if head[0] != 1 {
                continue;
            }
            let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
            let said = String::from_utf8_lossy(&payload);
            assert_eq!((number(0), number(2)), (class, method), "the broker sent something else: {said}");
            return;
        }
    }
}

/// A short string.
pub fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

/// A long string, or a table or list from its content.
pub fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// An entry of a table: name, type, value.
pub fn field(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    [&short(name.as_bytes())[..], &[kind], value].concat()
}
