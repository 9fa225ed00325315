//! What readers get: the journal is opened after a `kill -9`, orders and messages are looked up, a range is scanned.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use hoptrail::journal::{Order, Reader, Term, Writer};
use hoptrail::model::{MessageKey, Seq, Str, Timestamp};

use super::Settings;
use super::figures::{self, Usage, ms, percentile_ms};
use super::load::{Load, START_MICROS};

/// Commits of the process that is killed, before it is killed in a further one.
const TAIL_COMMITS: usize = 30;
const WARM_UP: usize = 100;
const WARM: usize = 1000;
const COLD: usize = 200;
/// Events that are scanned: a quarter of the journal, or this many.
const SCANNED_MAX: u64 = 2_000_000;
const ALL: std::ops::Range<Seq> = Seq::FIRST..Seq(u64::MAX);

/// What reading took.
pub struct Looks {
    pub reopen_ms: f64,
    pub reopen_cold_ms: f64,
    pub trail_ms: [f64; 2],
    pub trail_cold_ms: [f64; 2],
    pub message_ms: [f64; 2],
    pub scan_events_per_s: f64,
    pub cold: bool,
}

/// The number of events that an order's trail is made of.
pub fn trail(reader: &Reader, order: &Str) -> usize {
    let events: Vec<_> =
        reader.find(&Term::OrderId(order.clone()), ALL, Order::Ascending).map(Result::unwrap).collect();
    assert!(events.is_sorted_by_key(|event| event.seq), "{order}: the trail is out of order");
    events.len()
}

/// In a process of its own: appends until it is killed, and says what is durable.
pub fn tail(settings: &Settings) {
    let (mut writer, _reader, _) = Writer::open(&settings.journal()).unwrap();
    let mut load = Load::new(1000 * settings.commit, writer.last_at().as_micros(), "JT");
    let (mut events, mut out) = (Vec::new(), std::io::stdout().lock());
    loop {
        load.fill(&mut events, settings.commit);
        writer.append(&mut events, &[]).unwrap();
        writeln!(out, "DURABLE {}", writer.last_seq()).unwrap();
    }
}

/// Lets a process append and kills it in the middle; the last number that it called durable.
fn killed_tail(settings: &Settings) -> Seq {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut process = command.args(settings.arguments("tail")).stdout(Stdio::piped()).spawn().unwrap();
    let mut durable = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(|line| Seq(line.unwrap().strip_prefix("DURABLE ").unwrap().parse().unwrap()));
    let first = durable.nth(TAIL_COMMITS).unwrap();
    std::thread::sleep(Duration::from_millis(7));
    // SIGKILL.
    process.kill().unwrap();
    process.wait().unwrap();
    durable.last().unwrap_or(first)
}

pub fn run(settings: &Settings, load: &Load) -> Looks {
    let dir = settings.journal();
    let durable = killed_tail(settings);
    let started = hoptrail::clock::instant();
    let (writer, reader, set_aside) = Writer::open(&dir).unwrap();
    let reopen_ms = ms(started.elapsed());
    assert!(set_aside.is_empty(), "damaged by kill -9: {set_aside:?}");
    assert!(reader.last_seq() >= durable, "durable to {durable}, but it ends with {}", reader.last_seq());
    println!("\nreopen after kill -9  {reopen_ms:>8.0} ms, {} events", reader.last_seq());

    trails(&reader, load, 0..WARM_UP);
    let mut warm = trails(&reader, load, WARM_UP..WARM_UP + WARM);
    let mut by_message = messages(&reader, load);
    let scan_events_per_s = scan(settings, &reader);
    drop((writer, reader));

    let dropped = figures::drop_cached(&dir);
    let started = hoptrail::clock::instant();
    let (writer, reader, _) = Writer::open(&dir).unwrap();
    let reopen_cold_ms = ms(started.elapsed());
    let dropped = dropped.and_then(|()| figures::drop_cached(&dir));
    let before = Usage::now().read_bytes;
    let mut cold = trails(&reader, load, WARM_UP + WARM..WARM_UP + WARM + COLD);
    let read = Usage::now().read_bytes - before;
    drop((writer, reader));

    let looks = Looks {
        reopen_ms,
        reopen_cold_ms,
        trail_ms: [0.5, 0.99].map(|part| percentile_ms(&mut warm, part)),
        trail_cold_ms: [0.5, 0.99].map(|part| percentile_ms(&mut cold, part)),
        message_ms: [0.5, 0.99].map(|part| percentile_ms(&mut by_message, part)),
        scan_events_per_s,
        cold: dropped.is_ok() && read > 0,
    };
    looks.print(read, dropped.err());
    looks
}

impl Looks {
    fn print(&self, read: u64, refused: Option<std::io::Error>) {
        let row = |name: &str, [p50, p99]: [f64; 2], rest: &str| {
            println!("{name:<20}  {p50:>8.2} ms p50, {p99:.2} p99{rest}");
        };
        row("trails, warm", self.trail_ms, "");
        row("messages, warm", self.message_ms, "");
        let cold = match refused {
            Some(error) => format!(", but the page cache could not be dropped: {error}"),
            None => format!(
                "; reopened in {:.0} ms; {} kB from the disk a trail",
                self.reopen_cold_ms,
                read / 1000 / COLD as u64
            ),
        };
        row("trails, cold", self.trail_cold_ms, &cold);
        println!("{:<20}  {:>8.0} events/s", "range scan", self.scan_events_per_s);
    }
}

/// Looks up orders, each once, and checks that all of their events are found.
fn trails(reader: &Reader, load: &Load, which: std::ops::Range<usize>) -> Vec<Duration> {
    let mut took = Vec::with_capacity(which.len());
    for (order, count) in load.finished(which.end).drain(which) {
        let order = load.order_id(order);
        let started = hoptrail::clock::instant();
        let found = trail(reader, &order);
        took.push(started.elapsed());
        assert_eq!(found, count, "{order}: found against generated");
    }
    took
}

/// Looks up the first message of orders, by its id or its fingerprint.
fn messages(reader: &Reader, load: &Load) -> Vec<Duration> {
    let mut took = Vec::with_capacity(WARM);
    for (order, _) in load.finished(2 * WARM).drain(WARM..) {
        let generated = load.first_message(order);
        let term = match generated[0].message_key().unwrap() {
            MessageKey::Id(id) => Term::MessageId(id),
            MessageKey::Fingerprint(fingerprint) => Term::Fingerprint(fingerprint),
        };
        let started = hoptrail::clock::instant();
        let found = reader.find(&term, ALL, Order::Ascending).map(Result::unwrap).count();
        took.push(started.elapsed());
        assert_eq!(found, generated.len(), "{term:?}: found against generated");
    }
    took
}

/// Scans a range of time; events a second.
fn scan(settings: &Settings, reader: &Reader) -> f64 {
    let wanted = (settings.events / 4).clamp(1, SCANNED_MAX);
    let from = Timestamp::from_micros(START_MICROS + Load::micros_at(settings.events / 3));
    let to = Timestamp::from_micros(START_MICROS + Load::micros_at(settings.events / 3 + wanted));
    let started = hoptrail::clock::instant();
    let range = reader.seq_at(from).unwrap()..reader.seq_at(to).unwrap();
    let mut count = 0;
    for event in reader.scan(range, Order::Ascending) {
        let event = event.unwrap();
        assert!(from <= event.at && event.at < to, "{} is not in the range", event.seq);
        count += 1;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_eq!(count, wanted, "events of the range");
    rate
}
