//! A TCP pipe that records what passes, and can chop it: what was sent at once arrives in pieces, and what was sent in
//! pieces at once.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::net::RecvFlags;

use crate::support::chance::Chance;
use crate::support::eventually;
use crate::support::wait::ensure;

/// The most that is read at once: more than a kernel hands over as a rule.
const PIECE_MAX_BITS: u64 = 17;

/// Listens on a port of its own until it is dropped, and so do its connections.
pub struct Pipe {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    chop: Option<u64>,
    stopped: AtomicBool,
    connections: Mutex<Vec<Connection>>,
}

struct Connection {
    client: TcpStream,
    target: Option<TcpStream>,
    record: Record,
    /// Directions that go on.
    open: u8,
}

/// What one connection carried.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub from_client: Vec<u8>,
    pub from_broker: Vec<u8>,
}

/// Which of the two.
#[derive(Clone, Copy)]
enum Direction {
    FromClient,
    FromBroker,
}

impl Pipe {
    /// Carries to a port of this machine. With a seed everything is chopped.
    pub fn start(target: u16, chop: Option<u64>) -> Pipe {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared { target, chop, stopped: AtomicBool::new(false), connections: Mutex::default() };
        let shared = Arc::new(shared);
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopped.load(Ordering::Relaxed) {
                    return;
                }
                accept(&accepting, stream.unwrap());
            }
        });
        Pipe { port, shared }
    }

    /// Waits until all connections have ended; what they carried, in the order of the bytes.
    pub async fn records(&self) -> Vec<Record> {
        eventually("the connections end", async || {
            let connections = self.shared.connections.lock().unwrap();
            let open: Vec<u8> = connections.iter().map(|connection| connection.open).collect();
            ensure(open.iter().all(|open| *open == 0), || format!("directions open: {open:?}"))?;
            let mut records: Vec<Record> = connections.iter().map(|connection| connection.record.clone()).collect();
            records.sort();
            Ok(records)
        })
        .await
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the one who accepts.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        // Where a test fails while it holds the lock, its connections end with the process.
        let Ok(connections) = self.shared.connections.lock() else { return };
        for connection in connections.iter() {
            connection.client.shutdown(Shutdown::Both).ok();
            if let Some(target) = &connection.target {
                target.shutdown(Shutdown::Both).ok();
            }
        }
    }
}

/// The broker may be gone: then the client is told in the same way.
fn accept(shared: &Arc<Shared>, client: TcpStream) {
    let target = TcpStream::connect(("127.0.0.1", shared.target)).ok();
    let number = {
        let mut connections = shared.connections.lock().unwrap();
        let open = if target.is_some() { 2 } else { 0 };
        let kept = target.as_ref().map(|target| target.try_clone().unwrap());
        connections.push(Connection {
            client: client.try_clone().unwrap(),
            target: kept,
            record: Record::default(),
            open,
        });
        connections.len() - 1
    };
    let Some(target) = target else {
        client.shutdown(Shutdown::Both).ok();
        return;
    };
    for stream in [&client, &target] {
        stream.set_nodelay(true).unwrap();
    }
    let (reading, writing) = (client.try_clone().unwrap(), target.try_clone().unwrap());
    for (direction, from, to) in [(Direction::FromClient, reading, writing), (Direction::FromBroker, target, client)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || carry(&shared, number, direction, from, to));
    }
}

fn carry(shared: &Shared, number: usize, direction: Direction, mut from: TcpStream, mut to: TcpStream) {
    let seed = |seed: u64| Chance::new(seed ^ ((number as u64) << 8) ^ direction as u64);
    let mut chance = shared.chop.map(seed);
    let mut buffer = vec![0; 1 << PIECE_MAX_BITS];
    let mut writable = true;
    loop {
        let size = piece(&mut chance);
        let Ok(mut count @ 1..) = from.read(&mut buffer[..size]) else { break };
        if chance.as_mut().is_some_and(|chance| chance.below(2) == 0) {
            count += more(&from, &mut buffer[count..]);
        }
        record(shared, number, direction, &buffer[..count]);
        // Where nobody takes it any more, it still was sent.
        writable = writable && write(&mut to, &buffer[..count], &mut chance);
    }
    to.shutdown(Shutdown::Write).ok();
    shared.connections.lock().unwrap()[number].open -= 1;
}

/// Small pieces are as likely as large ones.
fn piece(chance: &mut Option<Chance>) -> usize {
    let Some(chance) = chance else { return 1 << PIECE_MAX_BITS };
    let bits = chance.below(PIECE_MAX_BITS + 1);
    usize::try_from(1 + chance.below(1 << bits)).unwrap()
}

/// What is there already.
fn more(from: &TcpStream, buffer: &mut [u8]) -> usize {
    match rustix::net::recv(from, buffer, RecvFlags::DONTWAIT) {
        Ok((count, _)) => count,
        Err(_) => 0,
    }
}

fn record(shared: &Shared, number: usize, direction: Direction, bytes: &[u8]) {
    let record = &mut shared.connections.lock().unwrap()[number].record;
    match direction {
        Direction::FromClient => record.from_client.extend_from_slice(bytes),
        Direction::FromBroker => record.from_broker.extend_from_slice(bytes),
    }
}

/// False: the other side is gone.
fn write(to: &mut TcpStream, mut bytes: &[u8], chance: &mut Option<Chance>) -> bool {
    while !bytes.is_empty() {
        let size = piece(chance).min(bytes.len());
        match to.write_all(&bytes[..size]) {
            Ok(()) => bytes = &bytes[size..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}
