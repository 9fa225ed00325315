//! The observer alone, on one thread: prepared bytes of a session in pieces of 64 KiB, as the relay reads them, into
//! events, which are counted and dropped.
//!
//! ```text
//! cargo bench --bench wire [-- --rounds 3 --seconds 1]
//! ```
//!
//! A line for each traffic: messages a second of the clock and of the processor, and the bytes. The last line is
//! `RESULT {json}`: `publish_frames_per_s` are publishes of 1 kB (method, header and body) a second of the clock, the
//! median of the rounds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench ends at the first thing that fails")]

#[path = "proxy/frames.rs"]
#[allow(dead_code, reason = "this bench reads no frames")]
mod frames;
#[path = "proxy/login.rs"]
mod login;

use std::fs;
use std::time::Duration;

use frames::{BODY, HEADER, METHOD, Writer, frame};
use hoptrail::model::{Kind, Side, Timestamp};
use hoptrail::wire::{Limits, Observed, Observer};
use login::login;
use serde_json::json;

/// What the relay reads at a time, where there is so much.
const PIECE: usize = 64 * 1024;
/// Prepared bytes: what was just read is in the processor's cache, so they should fit there too.
const PREPARED: usize = 1 << 20;
const CHANNEL: u16 = 1;
/// Where the delivery tag stands in a frame of basic.deliver with the consumer tag `bench`: frame, method, tag.
const TAG_IN_DELIVER: usize = 7 + 4 + 1 + 5;

/// What passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Publish,
    /// With a confirm after each piece, for all in it.
    PublishConfirmed,
    DeliverNoAck,
    /// With an acknowledgement after each piece, for all in it.
    DeliverAcked,
}

impl What {
    fn is_publish(self) -> bool {
        matches!(self, What::Publish | What::PublishConfirmed)
    }

    fn is_answered(self) -> bool {
        matches!(self, What::PublishConfirmed | What::DeliverAcked)
    }
}

/// A name, what passes, bytes of a body, and whether the messages have all properties and some headers.
type Traffic = (&'static str, What, usize, bool);

const TRAFFIC: [Traffic; 10] = [
    ("publish 1 kB", What::Publish, 1000, false),
    ("publish 1 kB, headers", What::Publish, 1000, true),
    ("publish 1 kB, confirms", What::PublishConfirmed, 1000, false),
    ("deliver 1 kB, no ack", What::DeliverNoAck, 1000, false),
    ("deliver 1 kB, acks", What::DeliverAcked, 1000, false),
    ("deliver 1 kB, acks, headers", What::DeliverAcked, 1000, true),
    ("publish 100 B", What::Publish, 100, false),
    ("deliver 100 B, acks", What::DeliverAcked, 100, false),
    ("publish 64 kB", What::Publish, 64_000, false),
    ("deliver 64 kB, acks", What::DeliverAcked, 64_000, false),
];

/// A session under way, and the bytes that pass in it over and over.
struct Passing {
    observer: Observer,
    what: What,
    bytes: Vec<u8>,
    /// Bytes of one message.
    each: usize,
    /// Messages that have passed.
    passed: u64,
    seen: Vec<Observed>,
    counts: [u64; Kind::ALL.len()],
}

impl Passing {
    fn begin((_, what, body_bytes, headers): Traffic) -> Passing {
        let message = message(what, body_bytes, headers);
        let bytes = message.repeat((PREPARED / message.len()).max(1));
        let observer = Observer::new(Limits::default(), "10.0.0.7:51234 -> 127.0.0.1:5673".into());
        let (each, counts) = (message.len(), [0; Kind::ALL.len()]);
        let mut passing = Passing { observer, what, bytes, each, passed: 0, seen: Vec::new(), counts };
        for (side, bytes) in opened(what) {
            passing.feed(side, &bytes);
        }
        passing
    }

    fn feed(&mut self, side: Side, bytes: &[u8]) {
        self.observer.feed(side, bytes, now(self.passed), &mut self.seen);
        self.count();
    }

    fn count(&mut self) {
        for observed in self.seen.drain(..) {
            self.counts[observed.event.kind as usize] += 1;
        }
    }

    /// All prepared bytes, once.
    fn pass(&mut self) {
        let messages = self.bytes.len() / self.each;
        let (from, to) = match self.what.is_publish() {
            true => (Side::Client, Side::Broker),
            false => (Side::Broker, Side::Client),
        };
        if !self.what.is_publish() {
            for index in 0..messages {
                let tag = self.passed + index as u64 + 1;
                self.bytes[index * self.each + TAG_IN_DELIVER..][..8].copy_from_slice(&tag.to_be_bytes());
            }
        }
        let (mut complete, mut fed) = (0, 0);
        while fed < self.bytes.len() {
            let end = (fed + PIECE).min(self.bytes.len());
            self.observer.feed(from, &self.bytes[fed..end], now(self.passed), &mut self.seen);
            self.count();
            fed = end;
            if self.what.is_answered() && fed / self.each > complete {
                complete = fed / self.each;
                let tag = self.passed + complete as u64;
                self.feed(to, &Writer::method((60, 80)).longlong(tag).octet(1).frame(METHOD, CHANNEL));
            }
        }
        self.passed += messages as u64;
    }

    /// Whether there was an event for everything, and no gap.
    fn check(&self, name: &str) {
        let count = |kind: Kind| self.counts[kind as usize];
        let if_so = |is: bool| if is { self.passed } else { 0 };
        let publish = self.what.is_publish();
        let (answered, delivered) = (self.what.is_answered(), !publish);
        assert_eq!(count(Kind::Publish), if_so(publish), "{name}: publishes");
        assert_eq!(count(Kind::Confirm), if_so(publish && answered), "{name}: confirms");
        assert_eq!(count(Kind::Deliver), if_so(delivered), "{name}: deliveries");
        assert_eq!(count(Kind::Settle), if_so(delivered && answered), "{name}: settlements");
        assert_eq!(count(Kind::Gap), 0, "{name}: gaps");
    }
}

/// A clock that runs as it would at a million messages a second.
fn now(passed: u64) -> Timestamp {
    Timestamp::from_micros(1_795_226_400_000_000 + i64::try_from(passed).unwrap())
}

/// What both sides say until messages pass.
fn opened(what: What) -> Vec<(Side, Vec<u8>)> {
    let client = |writer: Writer| (Side::Client, writer.frame(METHOD, CHANNEL));
    let broker = |writer: Writer| (Side::Broker, writer.frame(METHOD, CHANNEL));
    let mut said = login("Shop bench", CHANNEL);
    match what {
        What::Publish => {}
        What::PublishConfirmed => {
            said.push(client(Writer::method((85, 10)).octet(0)));
            said.push(broker(Writer::method((85, 11))));
        }
        What::DeliverNoAck | What::DeliverAcked => {
            let no_ack = u8::from(what == What::DeliverNoAck) << 1;
            let consume = Writer::method((60, 20)).short(0).text("mes.orders").text("bench").octet(no_ack);
            said.push(client(consume.table(&[])));
            said.push(broker(Writer::method((60, 21)).text("bench")));
        }
    }
    said
}

/// The frames of one message.
fn message(what: What, body_bytes: usize, headers: bool) -> Vec<u8> {
    let method = if what.is_publish() {
        Writer::method((60, 40)).short(0).text("shop.orders").text("order.submitted").octet(0)
    } else {
        Writer::method((60, 60)).text("bench").longlong(0).octet(0).text("shop.orders").text("order.submitted")
    };
    let header = Writer::method((60, 0)).longlong(body_bytes as u64);
    let header = if headers {
        let table = [
            ("x-order-id", "JW-2026-000001"),
            ("x-customer-id", "C-0815"),
            ("x-order-status", "SUBMITTED"),
            ("x-source", "shop-api-7d9f"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ];
        // All but the deprecated one.
        let header = header.short(0xFFF8).text("application/json").text("utf-8").table(&table).octet(2).octet(5);
        let header = header.text("correlation-0000001").text("shop.replies").text("60000").text("order-0000000001");
        header.longlong(1_795_226_400).text("order").text("guest").text("Shop")
    } else {
        header.short(1 << 15 | 1 << 7).text("application/json").text("order-0000000001")
    };
    let order = r#"{"orderId":"JW-2026-000001","status":"SUBMITTED","note":""#;
    let body = format!("{order}{}\"}}", "x".repeat(body_bytes - order.len() - 2));
    let mut message = method.frame(METHOD, CHANNEL);
    message.extend(header.frame(HEADER, CHANNEL));
    message.extend(frame(BODY, CHANNEL, body.as_bytes()));
    message
}

/// Messages a second of the clock and of this thread's processor time.
fn round(traffic: Traffic, time: Duration) -> [f64; 2] {
    let mut passing = Passing::begin(traffic);
    passing.pass();
    let (before, started, cpu) = (passing.passed, hoptrail::clock::instant(), thread_cpu());
    while started.elapsed() < time {
        passing.pass();
    }
    let (elapsed, cpu) = (started.elapsed(), thread_cpu().saturating_sub(cpu));
    passing.check(traffic.0);
    let messages = (passing.passed - before) as f64;
    [messages / elapsed.as_secs_f64(), messages / cpu.as_secs_f64()]
}

/// Processor time of the calling thread.
fn thread_cpu() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The number after a flag on the command line.
fn argument(flag: &str, default: f64) -> f64 {
    let text = std::env::args().skip_while(|argument| argument != flag).nth(1);
    text.map_or(default, |text| text.parse().unwrap())
}

fn main() {
    let (rounds, time) = (argument("--rounds", 3.0) as usize, Duration::from_secs_f64(argument("--seconds", 1.0)));
    println!("{:28} {:>10} {:>14} {:>9}", "", "messages/s", "/s of one core", "MB/s");
    let mut all = json!({});
    for traffic in TRAFFIC {
        let rounds: Vec<[f64; 2]> = (0..rounds.max(1)).map(|_| round(traffic, time)).collect();
        let [clock, processor] = [0, 1].map(|index| median(rounds.iter().map(|round| round[index]).collect()));
        let each = message(traffic.1, traffic.2, traffic.3).len();
        println!("{:28} {clock:10.0} {processor:14.0} {:9.0}", traffic.0, clock * each as f64 / 1e6);
        all[traffic.0] = json!({ "per_s": clock.round(), "per_cpu_s": processor.round() });
    }
    let publish = &all[TRAFFIC[0].0];
    let result = json!({
        "publish_frames_per_s": publish["per_s"],
        "publish_frames_per_cpu_s": publish["per_cpu_s"],
        "traffic": all,
    });
    println!("RESULT {result}");
}
