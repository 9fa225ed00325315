//! A reader that does not read stops the writer, and costs neither memory nor the others anything.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::proxy::amqp::{FRAME_MAX, FRAME_OVERHEAD, frame, method_frame};
use crate::proxy::stage::{CONSUMER, Pair, Stage, delivered, given_back, on_stage, published};
use crate::support::chance::Chance;
use crate::support::raw::short;

/// One content: far more than the kernel buffers of both connections take.
const BODY: u64 = 96 << 20;
/// What the kernel may take of it on four sockets, and then some.
const TAKEN_MAX: u64 = 64 << 20;
/// What hoptrail may need for a session that cannot go on.
const GROWTH_MAX: u64 = 48 << 20;
/// What hoptrail may need at all.
const MEMORY_MAX: u64 = 150 << 20;
/// A writer that gets rid of nothing for so long is stopped. On a busy machine it may only seem so, and nothing fails.
const STUCK: Duration = Duration::from_secs(1);

#[test]
fn a_broker_that_does_not_read_stops_its_client_and_no_other() {
    on_stage(async |stage| {
        let mut bystander = stage.session();
        let Pair { mut client, mut broker } = stage.session();
        let arguments = [&[0, 0][..], &short(b"x"), &short(b"k"), &[0]].concat();
        client.send(&[method_frame(1, 60, 40, &arguments), header("large")].concat());
        let mut told = bystander.goes_on("before", 1);
        let content = squeeze(&stage, client.stream.try_clone().unwrap(), || {
            told.extend(bystander.goes_on("meanwhile", 2));
            broker.expect(1, 60, 40);
            broker.frame();
            broker.stream.try_clone().unwrap()
        });
        assert!(content, "the broker got something else");
        told.push(published("large", usize::try_from(BODY).unwrap()));
        finish(&stage, Pair { client, broker }, told).await;
    });
}

#[test]
fn a_client_that_does_not_read_stops_the_broker_for_no_other() {
    on_stage(async |stage| {
        let mut bystander = stage.session();
        let Pair { mut client, mut broker } = stage.session();
        let arguments =
            [&short(CONSUMER.as_bytes())[..], &1_u64.to_be_bytes(), &[0], &short(b"x"), &short(b"k")].concat();
        broker.send(&[method_frame(1, 60, 60, &arguments), header("large")].concat());
        let mut told = bystander.goes_on("before", 1);
        let content = squeeze(&stage, broker.stream.try_clone().unwrap(), || {
            told.extend(bystander.goes_on("meanwhile", 2));
            client.expect(1, 60, 60);
            client.frame();
            client.stream.try_clone().unwrap()
        });
        assert!(content, "the client got something else");
        told.push(delivered("large", 1, usize::try_from(BODY).unwrap()));
        told.push(given_back("large"));
        finish(&stage, Pair { client, broker }, told).await;
    });
}

/// Writes a body's frames until nobody takes them, lets it be read in steps left to chance, and writes the rest. Whether
/// what was read is what was written.
fn squeeze(stage: &Stage, mut writer: TcpStream, reader: impl FnOnce() -> TcpStream) -> bool {
    let before = stage.proxied.hoptrail.memory_peak();
    let mut body = Frames::new();
    let taken = body.write_until_stuck(&mut writer);
    assert!(taken < TAKEN_MAX, "nobody reads, and {taken} bytes were taken");
    let grown = stage.proxied.hoptrail.memory_peak() - before;
    assert!(grown < GROWTH_MAX, "nobody reads, and hoptrail's memory grew by {grown} bytes");
    let mut reader = reader();
    let left = body.total - taken;
    let sent = thread::scope(|scope| {
        let read = scope.spawn(move || read_slowly(&mut reader, taken + left));
        body.write_rest(&mut writer);
        read.join().unwrap() == body.hasher.finalize()
    });
    let peak = stage.proxied.hoptrail.memory_peak();
    assert!(peak < MEMORY_MAX, "hoptrail's memory was {peak} bytes");
    sent
}

/// A body's frames, one after the other, and what was written of them.
struct Frames {
    chance: Chance,
    total: u64,
    written: u64,
    part: Vec<u8>,
    hasher: blake3::Hasher,
}

impl Frames {
    fn new() -> Frames {
        let parts = BODY / ROOM as u64 + u64::from(!BODY.is_multiple_of(ROOM as u64));
        let total = BODY + parts * FRAME_OVERHEAD as u64;
        Frames { chance: Chance::new(BODY), total, written: 0, part: Vec::new(), hasher: blake3::Hasher::new() }
    }

    fn refill(&mut self) {
        let whole = (ROOM + FRAME_OVERHEAD) as u64;
        let left = (self.total - self.written).min(whole);
        let size = usize::try_from(left).unwrap() - FRAME_OVERHEAD;
        let byte = u8::try_from(self.chance.below(256)).unwrap();
        self.part = frame(3, 1, &vec![byte; size]);
    }

    /// How much was taken.
    fn write_until_stuck(&mut self, to: &mut TcpStream) -> u64 {
        let patience = to.write_timeout().unwrap();
        to.set_write_timeout(Some(STUCK)).unwrap();
        while self.written < self.total && self.write_some(to) {}
        to.set_write_timeout(patience).unwrap();
        self.written
    }

    fn write_rest(&mut self, to: &mut TcpStream) {
        while self.written < self.total {
            assert!(self.write_some(to), "the reader reads, and the writer is stuck");
        }
    }

    /// False: nothing was taken for a while.
    fn write_some(&mut self, to: &mut TcpStream) -> bool {
        if self.part.is_empty() {
            self.refill();
        }
        match to.write(&self.part) {
            Ok(count) => {
                self.hasher.update(&self.part[..count]);
                self.part.drain(..count);
                self.written += count as u64;
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }
}

const ROOM: usize = FRAME_MAX as usize - FRAME_OVERHEAD;

fn read_slowly(from: &mut TcpStream, mut left: u64) -> blake3::Hash {
    let mut chance = Chance::new(left);
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let bits = chance.below(17);
        let size = usize::try_from((1 + chance.below(1 << bits)).min(left)).unwrap();
        let count = from.read(&mut buffer[..size]).unwrap();
        assert!(count > 0, "{left} bytes are missing");
        hasher.update(&buffer[..count]);
        left -= count as u64;
    }
    hasher.finalize()
}

/// Content header with a message id.
fn header(id: &str) -> Vec<u8> {
    let flags: u16 = 1 << 7;
    let fields = [&60_u16.to_be_bytes()[..], &[0, 0], &BODY.to_be_bytes(), &flags.to_be_bytes(), &short(id.as_bytes())];
    frame(2, 1, &fields.concat())
}

async fn finish(stage: &Stage, pair: Pair, mut told: Vec<String>) {
    drop(pair);
    stage.proxied.wait_closes(1).await;
    told.sort();
    stage.proxied.wait_recorded(&told).await;
    stage.proxied.assert_no_gap().await;
}
