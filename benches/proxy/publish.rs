//! A publisher: sends prepared orders in large writes, as fast as it may or at a pace, and counts confirms.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::client::{Client, Target, read, refuse};
use crate::frames::{Method, Writer, longlong};
use crate::orders::{Orders, TIME_ZERO};
use crate::workload::{Acks, Workload};

/// Publishes that may await their confirm.
const UNCONFIRMED_MAX: u64 = 1000;
/// Bytes of one write.
const WRITE_BYTES: u64 = 64 * 1024;

const CONFIRM_SELECT: Method = (85, 10);
const CONFIRM_SELECT_OK: Method = (85, 11);
const ACK: Method = (60, 80);

pub struct Publisher {
    client: Client,
    orders: Orders,
    confirms: bool,
    /// Messages of one write, at most.
    batch: u64,
    unconfirmed: Unconfirmed,
}

/// How fast to publish: so many messages a second, or as fast as it goes.
pub type Pace = Option<f64>;

impl Publisher {
    pub fn open(target: &Target, workload: &Workload, routing_key: &str) -> Publisher {
        let mut client = Client::open(target, "Shop bench");
        let confirms = workload.acks != Acks::None;
        if confirms {
            client.call(Writer::method(CONFIRM_SELECT).octet(0), CONFIRM_SELECT_OK);
        }
        let orders = Orders::new(routing_key, workload.body_bytes);
        let batch = (WRITE_BYTES / workload.body_bytes as u64).clamp(1, orders.count());
        Publisher { client, orders, confirms, batch, unconfirmed: Unconfirmed::default() }
    }

    /// Publishes so many messages, numbered from `first`, and waits for their confirms. `zero` is when times begin.
    pub fn run(&mut self, first: u64, count: u64, pace: Pace, zero: Instant) {
        let started = hoptrail::clock::instant();
        let mut sent = 0;
        while sent < count {
            let mut batch = self.batch.min(count - sent);
            if let Some(per_s) = pace {
                batch = batch.min(due(started, per_s, sent));
            }
            while self.confirms && self.unconfirmed.waiting + batch > UNCONFIRMED_MAX {
                self.read_confirms();
            }
            let time = TIME_ZERO + u64::try_from(zero.elapsed().as_micros()).unwrap();
            self.orders.send(&mut self.client, first + sent..first + sent + batch, time);
            sent += batch;
            if self.confirms {
                self.unconfirmed.sent(batch);
            }
        }
        while self.unconfirmed.waiting > 0 {
            self.read_confirms();
        }
    }

    pub fn close(self) {
        self.client.close();
    }

    fn read_confirms(&mut self) {
        let Client { stream, inbox } = &mut self.client;
        read(inbox, stream);
        while let Some(frame) = inbox.next() {
            match frame.method() {
                Some(ACK) => self.unconfirmed.confirmed(longlong(frame.payload, 4), frame.payload[12] & 1 == 1),
                _ => refuse(&frame),
            }
        }
    }
}

/// How many messages are due by now; waits until it is one at least.
fn due(started: Instant, per_s: f64, sent: u64) -> u64 {
    let next = started + Duration::from_secs_f64(sent as f64 / per_s);
    std::thread::sleep(next.saturating_duration_since(hoptrail::clock::instant()));
    let due = (started.elapsed().as_secs_f64() * per_s) as u64 + 1;
    due.saturating_sub(sent).max(1)
}

/// Which publishes await their confirm: confirms need not come in order.
#[derive(Default)]
struct Unconfirmed {
    /// From the publish with the number `oldest` on, whether each is confirmed.
    confirmed: VecDeque<bool>,
    oldest: u64,
    waiting: u64,
}

impl Unconfirmed {
    fn sent(&mut self, count: u64) {
        self.confirmed.extend((0..count).map(|_| false));
        self.waiting += count;
    }

    fn confirmed(&mut self, tag: u64, multiple: bool) {
        // Tags count from 1.
        let last = usize::try_from(tag - 1 - self.oldest).unwrap();
        let range = if multiple { 0..=last } else { last..=last };
        for confirmed in self.confirmed.range_mut(range) {
            assert!(multiple || !*confirmed, "publish {tag} is confirmed twice");
            self.waiting -= u64::from(!*confirmed);
            *confirmed = true;
        }
        while self.confirmed.front() == Some(&true) {
            self.confirmed.pop_front();
            self.oldest += 1;
        }
    }
}
