//! What recording costs besides the relay: prepared bytes of two sessions, a publisher with confirms and a consumer with
//! acknowledgements, through the observer, the recorder with its journal, and the follower, as fast as they can.
//!
//! ```text
//! cargo bench --bench record [-- --messages 200000 --rounds 3]
//! ```
//!
//! A line for each round: processor time of each thread in microseconds a message (a publish, its confirm, a delivery and
//! its acknowledgement: four events). The last line is `RESULT {json}` with the medians.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench ends at the first thing that fails")]

#[path = "proxy/body.rs"]
mod body;
#[path = "proxy/frames.rs"]
#[allow(dead_code, reason = "this bench reads no frames")]
mod frames;
#[path = "proxy/login.rs"]
mod login;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use frames::{BODY, HEADER, METHOD, Writer, frame};
use hoptrail::config;
use hoptrail::flow::Flow;
use hoptrail::follow::{Follower, Update};
use hoptrail::live::Sources;
use hoptrail::model::{Seq, Side};
use hoptrail::record::{self, Observation, Opened, Recorder};
use hoptrail::wire::{Limits, Observed, Observer};
use login::login;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANNEL: u16 = 1;
/// Messages of one confirm and of one acknowledgement.
const GROUP: u64 = 16;
const BODY_BYTES: usize = 1000;
/// Different bodies that are prepared; order and message numbers are written over.
const BODIES: usize = 128;

struct Sessions {
    publisher: Observer,
    consumer: Observer,
    seen: Vec<Observed>,
    recorder: Recorder,
}

impl Sessions {
    fn begin(recorder: Recorder) -> Sessions {
        let observer = |name: &str| Observer::new(Limits::default(), name.into());
        let (publisher, consumer) =
            (observer("10.0.0.7:51234 -> 10.0.0.1:5673"), observer("10.0.0.8:40000 -> 10.0.0.1:5673"));
        let mut sessions = Sessions { publisher, consumer, seen: Vec::new(), recorder };
        for is_consumer in [false, true] {
            for (side, bytes) in opened(is_consumer) {
                sessions.feed(is_consumer, side, &bytes);
            }
        }
        sessions
    }

    fn feed(&mut self, is_consumer: bool, side: Side, bytes: &[u8]) {
        let observer = if is_consumer { &mut self.consumer } else { &mut self.publisher };
        observer.feed(side, bytes, hoptrail::clock::now(), &mut self.seen);
        for Observed { event, link } in self.seen.drain(..) {
            let origin = event.vhost.clone().map(|vhost| (vhost, event.source));
            let mut observation = Box::new(Observation { link, origin, ..Observation::new(event) });
            while let Err(back) = self.recorder.try_record(observation) {
                observation = back;
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// What both sides say until messages pass.
fn opened(is_consumer: bool) -> Vec<(Side, Vec<u8>)> {
    let client = |writer: Writer| (Side::Client, writer.frame(METHOD, CHANNEL));
    let broker = |writer: Writer| (Side::Broker, writer.frame(METHOD, CHANNEL));
    let mut said = login(if is_consumer { "MES bench" } else { "Shop bench" }, CHANNEL);
    if is_consumer {
        let consume = Writer::method((60, 20)).short(0).text("mes.orders").text("bench").octet(0);
        said.push(client(consume.table(&[])));
        said.push(broker(Writer::method((60, 21)).text("bench")));
    } else {
        said.push(client(Writer::method((85, 10)).octet(0)));
        said.push(broker(Writer::method((85, 11))));
    }
    said
}

/// Header and body frames of message `number`, with its number and its order's written over.
fn content(number: u64, bodies: &[String], out: &mut Vec<u8>) {
    let id = format!("order-{number:010}");
    let header = Writer::method((60, 0)).longlong(BODY_BYTES as u64).short(1 << 15 | 1 << 7);
    out.extend(header.text("application/json").text(&id).frame(HEADER, CHANNEL));
    let body = &bodies[usize::try_from(number).unwrap() % bodies.len()];
    let body = body.replacen("JW-0000000000", &format!("JW-{:010}", number / 8), 1);
    out.extend(frame(BODY, CHANNEL, body.as_bytes()));
}

/// Bytes of a group of messages: publishes, and deliveries.
fn group(first: u64, bodies: &[String]) -> [Vec<u8>; 2] {
    let (mut publishes, mut deliveries) = (Vec::new(), Vec::new());
    for number in first..first + GROUP {
        publishes.extend(
            Writer::method((60, 40)).short(0).text("bench.orders").text("order").octet(0).frame(METHOD, CHANNEL),
        );
        content(number, bodies, &mut publishes);
        let deliver = Writer::method((60, 60)).text("bench").longlong(number + 1).octet(0);
        deliveries.extend(deliver.text("bench.orders").text("order").frame(METHOD, CHANNEL));
        content(number, bodies, &mut deliveries);
    }
    [publishes, deliveries]
}

/// Processor time of every thread of the process that records, in seconds, by name.
fn threads() -> BTreeMap<String, f64> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let nanos: f64 = read("schedstat").split(' ').next().unwrap_or_default().parse().unwrap_or_default();
        *times.entry(read("comm").trim().to_owned()).or_default() += nanos / 1e9;
    }
    times
}

fn round(messages: u64) -> BTreeMap<String, f64> {
    let dir = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let set = vec![
        ("journal.dir".to_owned(), dir.path().to_str().unwrap().to_owned()),
        ("broker.url".to_owned(), "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned()),
    ];
    let config = config::load(Some(&file), std::iter::empty(), &set).unwrap();
    let Opened { recorder, reader, writer, keeping: _keeping } = record::open(&config, Sources::default()).unwrap();
    let flow = Flow::new(reader.clone(), config.flow.clone());
    // The follower alone waits on it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let (cancel, handle) = (CancellationToken::new(), runtime.handle().clone());
    let sink = move |update: Update<'_>| {
        if let Update::Events(events) = update {
            flow.apply(events);
        }
    };
    let follower = Follower::new(reader.clone(), &recorder.tail(), hoptrail::clock::now, sink);
    let progress = follower.progress();
    let following = {
        let cancel = cancel.clone();
        let run = move || follower.run("follower", &handle, &cancel);
        hoptrail::task::thread("follower", run, || panic!("the follower has panicked")).unwrap()
    };
    let bodies: Vec<String> = (0..BODIES).map(|index| body::body(index, BODY_BYTES)).collect();
    let groups: Vec<[Vec<u8>; 2]> = (0..messages / GROUP).map(|index| group(index * GROUP, &bodies)).collect();
    let mut sessions = Sessions::begin(recorder.clone());
    let (before, started) = (threads(), hoptrail::clock::instant());
    for ([publishes, deliveries], last) in groups.iter().zip((1..).map(|index| index * GROUP)) {
        sessions.feed(false, Side::Client, publishes);
        sessions.feed(true, Side::Broker, deliveries);
        let ack = || Writer::method((60, 80)).longlong(last).octet(1).frame(METHOD, CHANNEL);
        sessions.feed(false, Side::Broker, &ack());
        sessions.feed(true, Side::Client, &ack());
    }
    let expected = Seq(messages / GROUP * GROUP * 4 + 2);
    while reader.last_seq() < expected || progress.lag() > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (after, took) = (threads(), started.elapsed().as_secs_f64());
    let mut spent: BTreeMap<String, f64> = after
        .iter()
        .map(|(name, time)| (name.clone(), (time - before.get(name).unwrap_or(&0.0)) * 1e6 / messages as f64))
        .collect();
    spent.insert("all".into(), spent.values().sum());
    spent.insert("messages/s".into(), messages as f64 / took);
    let bytes: u64 = reader.disk_bytes();
    spent.insert("disk bytes/message".into(), bytes as f64 / messages as f64);
    runtime.block_on(recorder.stop());
    assert!(writer.join());
    cancel.cancel();
    following.join().unwrap();
    spent
}

fn argument(flag: &str, default: u64) -> u64 {
    let text = std::env::args().skip_while(|argument| argument != flag).nth(1);
    text.map_or(default, |text| text.parse().unwrap())
}

fn main() {
    let (messages, rounds) = (argument("--messages", 100_000), argument("--rounds", 3));
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        let spent = round(messages);
        let line: Vec<String> = spent.iter().map(|(name, figure)| format!("{name} {figure:.1}")).collect();
        println!("{}", line.join(", "));
        spent.into_iter().for_each(|(name, figure)| all.entry(name).or_default().push(figure));
    }
    let medians = all.into_iter().map(|(name, mut figures)| {
        figures.sort_unstable_by(f64::total_cmp);
        (name, json!((figures[figures.len() / 2] * 10.0).round() / 10.0))
    });
    println!("RESULT {}", serde_json::Value::from(medians.collect::<serde_json::Map<_, _>>()));
}
