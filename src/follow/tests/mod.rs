//! Journals that are written while they are followed.

mod many;
mod one;
mod panics;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::journal::{Options, Policy, Reader, Tail, Writer};
use crate::model::{Event, Kind, Seq, Source, Timestamp};

use super::{Follower, Missing, Position, Progress, Update};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// 2026-11-21 02:00:00 UTC.
const START: i64 = 1_795_226_400_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(START + millis * 1000)
}

type Sink = Box<dyn FnMut(Update<'_>) + Send>;

/// A journal whose commits are offered.
struct Journal {
    dir: PathBuf,
    writer: Writer,
    reader: Reader,
    tail: Tail,
    written: u64,
    spare: Vec<Event>,
}

impl Journal {
    fn open(dir: &Path) -> Journal {
        Journal::open_with(dir, Options::default())
    }

    fn open_with(dir: &Path, options: Options) -> Journal {
        let (writer, reader, _) = Writer::open_with(dir, options).expect("a journal");
        let (written, dir) = (reader.last_seq().0, dir.to_owned());
        Journal { dir, written, writer, reader, tail: Tail::default(), spare: Vec::new() }
    }

    /// Commits this many events, each a second after the one before, without offering them.
    fn commit(&mut self, events: u64) -> Vec<Event> {
        let seconds = self.written as i64..(self.written + events) as i64;
        self.written += events;
        let mut batch = std::mem::take(&mut self.spare);
        batch.extend(seconds.map(|second| Event::new(Kind::Publish, Source::Firehose, at(second * 1000))));
        self.writer.append(&mut batch, &[]).expect("a working disk");
        batch
    }

    fn record(&mut self, events: u64) {
        self.spare = self.commit(events);
        self.tail.offer(&mut self.spare);
    }

    /// Retention takes every partition but the newest.
    fn retain_the_newest(&mut self) {
        let deadline = clock::instant() + PATIENCE;
        while !self.reader.is_settled() {
            assert!(clock::instant() < deadline, "partitions are not sealed");
            std::thread::yield_now();
        }
        let day = Duration::from_secs(86_400);
        let policy = Policy { hot: day, warm: day, cold: day, max_bytes: None, high_water: 1.0, rules: Vec::new() };
        let (mut keeper, now) = (self.writer.keeper(policy), at(10 * 86_400_000));
        while keeper.tend(now, &mut |_| true).expect("a working disk").is_some() {}
    }

    /// A follower, and the numbers of the events that it hands on.
    fn follower(&self, from: Timestamp) -> (Follower<Sink>, Receiver<u64>) {
        let (sender, seen) = channel();
        let sink: Sink = Box::new(move |update| {
            if let Update::Events(events) = update {
                events.iter().for_each(|event| sender.send(event.seq.0).expect("the test listens"));
            }
        });
        (self.follower_into(from, sink), seen)
    }

    fn follower_into(&self, from: Timestamp, sink: Sink) -> Follower<Sink> {
        Follower::new(self.reader.clone(), &self.tail, move || from, sink)
    }
}

/// A follower on this thread.
struct Following {
    follower: Follower<Sink>,
    seen: Receiver<u64>,
    cancel: CancellationToken,
}

impl Following {
    fn begin(journal: &Journal, from: Timestamp) -> Following {
        let (mut follower, seen) = journal.follower(from);
        let cancel = CancellationToken::new();
        follower.begin(&cancel);
        Following { follower, seen, cancel }
    }

    /// Hands on all events. Returns their numbers.
    fn advance(&mut self) -> Vec<u64> {
        while self.follower.advance(&self.cancel) {}
        self.seen.try_iter().collect()
    }

    fn lag(&self) -> u64 {
        self.follower.progress().lag()
    }
}

/// A follower on a thread of its own.
struct Running {
    progress: Progress,
    cancel: CancellationToken,
    thread: JoinHandle<()>,
    _runtime: Runtime,
}

impl Running {
    fn start(follower: Follower<Sink>) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
        let runtime = runtime.expect("a runtime");
        let (progress, cancel) = (follower.progress(), CancellationToken::new());
        let (handle, cancelled) = (runtime.handle().clone(), cancel.clone());
        let thread = std::thread::spawn(move || follower.run("follow", &handle, &cancelled));
        Running { progress, cancel, thread, _runtime: runtime }
    }

    fn stop(self) -> Progress {
        self.cancel.cancel();
        self.thread.join().expect("it ends");
        self.progress
    }
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

/// Random numbers, the same for the same seed.
fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut random = seed;
    move |below| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    }
}
