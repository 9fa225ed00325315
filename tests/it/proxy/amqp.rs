//! AMQP 0-9-1 by hand, for both ends: what no library does, and a broker that does what it is told.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::raw::{field, long, short};

/// No peer waits longer.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often it is looked whether a connection came.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What all ends agree on, where a test has no other wish.
pub const FRAME_MAX: u32 = 131_072;
const CHANNEL_MAX: u16 = 2047;
/// Frame end.
const END: u8 = 0xce;
/// What a frame has beside its payload.
pub const FRAME_OVERHEAD: usize = 8;

/// One end of a connection.
pub struct End {
    pub stream: TcpStream,
    pub frame_max: u32,
}

/// A frame that came.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub kind: u8,
    pub channel: u16,
    pub payload: Vec<u8>,
}

/// A broker that accepts connections, and does nothing by itself.
pub struct Listener {
    socket: Option<TcpListener>,
    pub port: u16,
}

impl Listener {
    pub fn new() -> Listener {
        let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port();
        Listener { socket: Some(socket), port }
    }

    /// Waits for a connection.
    pub fn accept(&self) -> End {
        let started = Instant::now();
        loop {
            match self.socket.as_ref().unwrap().accept() {
                Ok((stream, _)) => return End::new(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock && started.elapsed() < DEADLINE => {
                    std::thread::sleep(LOOK_EVERY);
                }
                Err(error) => panic!("no connection came: {error}"),
            }
        }
    }

    /// Accepts no more.
    pub fn close(&mut self) {
        self.socket = None;
    }
}

impl End {
    fn new(stream: TcpStream) -> End {
        stream.set_nonblocking(false).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        End { stream, frame_max: FRAME_MAX }
    }

    /// A client without a login.
    pub fn connect(port: u16) -> End {
        End::new(TcpStream::connect(("127.0.0.1", port)).unwrap())
    }

    // Login

    /// Logs in as a client, with this limit of frames.
    pub fn log_in(&mut self, vhost: &str, frame_max: u32) {
        self.send(b"AMQP\0\0\x09\x01");
        self.expect(0, 10, 10);
        self.send(&start_ok("guest"));
        self.expect(0, 10, 30);
        self.send(&[tune_ok(frame_max), open(vhost)].concat());
        self.expect(0, 10, 41);
        self.frame_max = frame_max;
    }

    /// Lets a client log in as a broker, and offers this limit of frames.
    pub fn let_in(&mut self, frame_max: u32) {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header).unwrap();
        assert_eq!(&header, b"AMQP\0\0\x09\x01");
        self.method(0, 10, 10, &[&[0, 9][..], &long(b""), &long(b"PLAIN"), &long(b"en_US")].concat());
        self.expect(0, 10, 11);
        self.method(0, 10, 30, &tuning(frame_max));
        self.expect(0, 10, 31);
        self.expect(0, 10, 40);
        self.method(0, 10, 41, &short(b""));
        self.frame_max = frame_max;
    }

    // Sending

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn method(&mut self, channel: u16, class: u16, method: u16, arguments: &[u8]) {
        self.send(&method_frame(channel, class, method, arguments));
    }

    pub fn publish(&mut self, channel: u16, message: &Message<'_>) {
        let frames = message.publish(channel, self.frame_max);
        self.send(&frames);
    }

    // Receiving

    pub fn frame(&mut self) -> Frame {
        self.next_frame().expect("a frame before the end")
    }

    /// `None`: the other side has ended.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let mut head = [0; 7];
        match self.stream.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("nothing comes, and no end"),
            Err(_) => return None,
            Ok(()) => {}
        }
        let length = u32::from_be_bytes(head[3..].try_into().unwrap()) as usize;
        let mut payload = vec![0; length + 1];
        self.stream.read_exact(&mut payload).unwrap();
        assert_eq!(payload.pop(), Some(END));
        Some(Frame { kind: head[0], channel: u16::from_be_bytes([head[1], head[2]]), payload })
    }

    /// The arguments of the next method on this channel, which is this one. Heartbeats are skipped.
    pub fn expect(&mut self, channel: u16, class: u16, method: u16) -> Vec<u8> {
        loop {
            let frame = self.frame();
            if frame.kind == 8 {
                continue;
            }
            let said = String::from_utf8_lossy(&frame.payload).into_owned();
            let number = |at: usize| u16::from_be_bytes([frame.payload[at], frame.payload[at + 1]]);
            assert_eq!((frame.kind, frame.channel), (1, channel), "something else came: {said:?}");
            assert_eq!((number(0), number(2)), (class, method), "something else came: {said:?}");
            return frame.payload[4..].to_vec();
        }
    }

    /// A content's body, after its method.
    pub fn content(&mut self) -> Vec<u8> {
        let header = self.frame();
        assert_eq!(header.kind, 2);
        let size = u64::from_be_bytes(header.payload[4..12].try_into().unwrap());
        let mut body = Vec::new();
        while (body.len() as u64) < size {
            let frame = self.frame();
            assert_eq!((frame.kind, frame.channel), (3, header.channel));
            body.extend(frame.payload);
        }
        body
    }

    /// Exactly so many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All that comes until the other side has ended, however it ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the other side does not end"),
            _ => bytes,
        }
    }

    /// Ends at once, and tells the other side by a reset.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    /// Says that nothing more comes, and can still read.
    pub fn half_close(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
}

/// A message with an id.
pub struct Message<'a> {
    pub exchange: &'a str,
    pub routing_key: &'a str,
    pub id: &'a str,
    pub mandatory: bool,
    pub body: &'a [u8],
}

impl Message<'_> {
    /// `basic.publish` with its content.
    pub fn publish(&self, channel: u16, frame_max: u32) -> Vec<u8> {
        let (exchange, key) = (short(self.exchange.as_bytes()), short(self.routing_key.as_bytes()));
        let arguments = [&[0, 0][..], &exchange, &key, &[u8::from(self.mandatory)]].concat();
        [method_frame(channel, 60, 40, &arguments), self.content(channel, frame_max)].concat()
    }

    /// `basic.deliver` with its content.
    pub fn deliver(&self, channel: u16, frame_max: u32, consumer: &str, tag: u64) -> Vec<u8> {
        let (exchange, key) = (short(self.exchange.as_bytes()), short(self.routing_key.as_bytes()));
        let arguments = [&short(consumer.as_bytes())[..], &tag.to_be_bytes(), &[0], &exchange, &key].concat();
        [method_frame(channel, 60, 60, &arguments), self.content(channel, frame_max)].concat()
    }

    fn content(&self, channel: u16, frame_max: u32) -> Vec<u8> {
        // message-id
        const FLAGS: u16 = 1 << 7;
        let size = (self.body.len() as u64).to_be_bytes();
        let header =
            [&60_u16.to_be_bytes()[..], &[0, 0], &size, &FLAGS.to_be_bytes(), &short(self.id.as_bytes())].concat();
        let mut frames = frame(2, channel, &header);
        // 0: no limit.
        let room = if frame_max == 0 { self.body.len().max(1) } else { frame_max as usize - FRAME_OVERHEAD };
        for part in self.body.chunks(room) {
            frames.extend(frame(3, channel, part));
        }
        frames
    }
}

pub fn method_frame(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat())
}

pub fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&[kind][..], &channel.to_be_bytes(), &length.to_be_bytes(), payload, &[END]].concat()
}

/// The login of guest, who wants to be told where it fails.
pub fn start_ok(password: &str) -> Vec<u8> {
    let told = long(&field("authentication_failure_close", b't', &[1]));
    let properties = [field("connection_name", b'S', &long(b"by hand")), field("capabilities", b'F', &told)].concat();
    let answer = long(format!("\0guest\0{password}").as_bytes());
    method_frame(0, 10, 11, &[long(&properties), short(b"PLAIN"), answer, short(b"en_US")].concat())
}

pub fn tune_ok(frame_max: u32) -> Vec<u8> {
    method_frame(0, 10, 31, &tuning(frame_max))
}

pub fn open(vhost: &str) -> Vec<u8> {
    method_frame(0, 10, 40, &[short(vhost.as_bytes()), short(b""), vec![0]].concat())
}

fn tuning(frame_max: u32) -> Vec<u8> {
    [&CHANNEL_MAX.to_be_bytes()[..], &frame_max.to_be_bytes(), &0_u16.to_be_bytes()].concat()
}
