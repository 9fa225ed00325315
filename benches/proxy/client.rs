//! A connection with one channel: logging in, requests with their answers, closing. Whatever the broker says that was not
//! asked for ends the bench with the broker's own words.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::frames::{Frame, HEARTBEAT, Inbox, METHOD, Method, Writer, short};

/// The channel on which everything happens.
pub const CHANNEL: u16 = 1;
/// RabbitMQ's own default; a body of 64 kB fits into one frame.
const FRAME_BYTES_MAX: u32 = 131_072;
/// A broker that says nothing for so long will not go on.
const SILENCE_MAX: Duration = Duration::from_secs(60);

const START: Method = (10, 10);
const START_OK: Method = (10, 11);
const TUNE: Method = (10, 30);
const TUNE_OK: Method = (10, 31);
const OPEN: Method = (10, 40);
const OPEN_OK: Method = (10, 41);
const CONNECTION_CLOSE: Method = (10, 50);
const CONNECTION_CLOSE_OK: Method = (10, 51);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
const CHANNEL_CLOSE: Method = (20, 40);

/// Where a client connects, and to which vhost.
#[derive(Clone, Copy)]
pub struct Target {
    pub address: SocketAddr,
    pub vhost: &'static str,
}

/// A connection that is logged in, with its channel open.
pub struct Client {
    pub stream: TcpStream,
    pub inbox: Inbox,
}

impl Client {
    pub fn open(target: &Target, name: &str) -> Client {
        let stream = TcpStream::connect(target.address)
            .unwrap_or_else(|error| panic!("{name} cannot connect to {}: {error}", target.address));
        Client::log_in(stream, target.vhost, name)
    }

    pub fn log_in(stream: TcpStream, vhost: &str, name: &str) -> Client {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(SILENCE_MAX)).unwrap();
        stream.set_write_timeout(Some(SILENCE_MAX)).unwrap();
        let mut client = Client { stream, inbox: Inbox::new() };
        client.send(b"AMQP\x00\x00\x09\x01");
        client.expect(START);
        let start = Writer::method(START_OK).table(&[("connection_name", name), ("product", "hoptrail bench")]);
        let start = start.text("PLAIN").long_text(b"\0guest\0guest").text("en_US");
        client.send(&start.frame(METHOD, 0));
        client.expect(TUNE);
        let mut tune = Writer::method(TUNE_OK).short(CHANNEL).long(FRAME_BYTES_MAX).short(0).frame(METHOD, 0);
        tune.extend(Writer::method(OPEN).text(vhost).text("").octet(0).frame(METHOD, 0));
        client.send(&tune);
        client.expect(OPEN_OK);
        client.call(Writer::method(CHANNEL_OPEN).text(""), CHANNEL_OPEN_OK);
        client
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap_or_else(|error| panic!("cannot write to the broker: {error}"));
    }

    /// Sends a request on the channel and waits for its answer.
    pub fn call(&mut self, request: Writer, answer: Method) {
        self.send(&request.frame(METHOD, CHANNEL));
        self.expect(answer);
    }

    /// Waits for bytes from the broker.
    pub fn read(&mut self) {
        read(&mut self.inbox, &mut self.stream);
    }

    fn expect(&mut self, wanted: Method) {
        loop {
            while let Some(frame) = self.inbox.next() {
                match frame.method() {
                    Some(method) if method == wanted => return,
                    _ => refuse(&frame),
                }
            }
            self.read();
        }
    }

    /// Closes in good order: what was sent before has reached the broker when this returns.
    pub fn close(mut self) {
        let close = Writer::method(CONNECTION_CLOSE).short(200).text("done").short(0).short(0);
        self.send(&close.frame(METHOD, 0));
        self.expect(CONNECTION_CLOSE_OK);
    }
}

pub fn read(inbox: &mut Inbox, stream: &mut TcpStream) {
    inbox.read(stream).unwrap_or_else(|error| panic!("cannot read from the broker: {error}"));
}

/// Passes a heartbeat over; anything else that was not asked for ends the bench.
pub fn refuse(frame: &Frame<'_>) {
    match frame.method() {
        None if frame.kind == HEARTBEAT => {}
        Some(CONNECTION_CLOSE | CHANNEL_CLOSE) => {
            let text = String::from_utf8_lossy(&frame.payload[7..]);
            panic!("the broker closes: {} {text}", short(frame.payload, 4));
        }
        method => panic!("the broker sent what was not asked for: frame {}, method {method:?}", frame.kind),
    }
}
