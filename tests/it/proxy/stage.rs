//! A proxy between two peers that the test plays both: no broker that could do something by itself.

use std::thread;

use tempfile::TempDir;

use crate::proxy::amqp::{End, FRAME_MAX, Listener, Message};
use crate::proxy::proxied::Proxied;
use crate::support::raw::{long, short};

/// The consumer of every session here, and its queue.
pub const CONSUMER: &str = "c";
pub const QUEUE: &str = "q";

pub struct Stage {
    pub listener: Listener,
    pub proxied: Proxied,
    _dir: TempDir,
}

/// Both ends of a session.
pub struct Pair {
    pub client: End,
    pub broker: End,
}

/// Runs a test on a stage of its own.
pub fn on_stage(test: impl AsyncFn(Stage)) {
    hoptrail::web::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (listener, dir) = (Listener::new(), tempfile::tempdir().unwrap());
        let proxied = Proxied::start(dir.path(), listener.port).await;
        test(Stage { listener, proxied, _dir: dir }).await;
    });
}

impl Stage {
    /// A connection, and nothing said on it.
    pub fn connect(&self) -> Pair {
        let client = End::connect(self.proxied.port);
        Pair { client, broker: self.listener.accept() }
    }

    /// A session with a channel and a consumer.
    pub fn session(&self) -> Pair {
        self.session_of(FRAME_MAX)
    }

    /// The same with another limit of frames.
    pub fn session_of(&self, frame_max: u32) -> Pair {
        let mut pair = self.connect();
        thread::scope(|scope| {
            scope.spawn(|| pair.client.log_in("stage", frame_max));
            pair.broker.let_in(frame_max);
        });
        pair.ask(20, 10, &short(b""), 11, &long(b""));
        let consume = [&[0, 0][..], &short(QUEUE.as_bytes()), &short(CONSUMER.as_bytes()), &[0], &long(b"")].concat();
        pair.ask(60, 20, &consume, 21, &short(CONSUMER.as_bytes()));
        pair
    }
}

impl Pair {
    /// The client asks on channel 1, and the broker answers.
    fn ask(&mut self, class: u16, method: u16, arguments: &[u8], answer: u16, said: &[u8]) {
        self.client.method(1, class, method, arguments);
        assert_eq!(self.broker.expect(1, class, method), arguments);
        self.broker.method(1, class, answer, said);
        assert_eq!(self.client.expect(1, class, answer), said);
    }

    /// Bytes pass both ways: a message to the broker, and one to the client. What the journal has to say of it.
    pub fn goes_on(&mut self, name: &str, tag: u64) -> Vec<String> {
        let (sent, given) = (format!("{name}-sent-{tag}"), format!("{name}-given-{tag}"));
        self.client.publish(1, &message(&sent, b"to the broker"));
        self.broker.expect(1, 60, 40);
        assert_eq!(self.broker.content(), b"to the broker");
        let frames = message(&given, b"to the client").deliver(1, FRAME_MAX, CONSUMER, tag);
        self.broker.send(&frames);
        self.client.expect(1, 60, 60);
        assert_eq!(self.client.content(), b"to the client");
        vec![published(&sent, 13), delivered(&given, tag, 13)]
    }
}

/// A message to be routed by `x` with `k`.
pub fn message<'a>(id: &'a str, body: &'a [u8]) -> Message<'a> {
    Message { exchange: "x", routing_key: "k", id, mandatory: false, body }
}

// What the journal has to say.

pub fn published(id: &str, bytes: usize) -> String {
    format!("publish x|k|{id}|{bytes}")
}

pub fn delivered(id: &str, tag: u64, bytes: usize) -> String {
    format!("deliver {QUEUE}|{tag}|false|x|k|{id}|{bytes}|false")
}

pub fn given_back(id: &str) -> String {
    format!("settle close true|{id}")
}
