//! One round: fresh queues, clients on the given way, everything sent and received.

use std::time::{Duration, Instant};

use crate::client::{Client, Target};
use crate::consume::{Consumer, Content};
use crate::figures::cpu_seconds;
use crate::frames::{Method, Writer};
use crate::orders::EXCHANGE;
use crate::publish::{Pace, Publisher};
use crate::recorded::counts;
use crate::workload::{Acks, Workload};
use crate::world::{Way, World};

const EXCHANGE_DECLARE: Method = (40, 10);
const EXCHANGE_DECLARE_OK: Method = (40, 11);
const QUEUE_DECLARE: Method = (50, 10);
const QUEUE_DECLARE_OK: Method = (50, 11);
const QUEUE_BIND: Method = (50, 20);
const QUEUE_BIND_OK: Method = (50, 21);
const QUEUE_DELETE: Method = (50, 40);
const QUEUE_DELETE_OK: Method = (50, 41);
const TRACES: &str = "bench.traces";
const TRACE_EXCHANGE: &str = "amq.rabbitmq.trace";

/// What a round took.
pub struct Round {
    pub per_s: f64,
    /// Processor seconds: the broker's, the proxy's until everything was recorded, the clients'.
    pub cpu: [f64; 3],
    /// Of each message, microseconds from publish to delivery; sorted. Only of rounds with a pace.
    pub latencies: Vec<u32>,
    /// How long recording, or reading the traces, went on after the end.
    pub lag: Duration,
}

/// Sends so many messages on each connection.
pub fn run(world: &mut World, way: Way, workload: &Workload, each: u64, pace: Pace) -> Round {
    let pairs = Pairs {
        target: world.target(way),
        workload,
        each,
        first: world.numbers(each.next_multiple_of(8) * workload.connections),
        pace: pace.map(|per_s| per_s / workload.connections as f64),
        zero: world.zero,
    };
    let mut beside = Client::open(&world.beside(way), "bench");
    declare(&mut beside, workload.connections, way);
    let messages = each * workload.connections;
    let between = world.between(way);
    let before = [cpu_seconds(world.broker_pid), between.map_or(0.0, cpu_seconds), cpu_seconds(std::process::id())];
    let traces = (way == Way::Firehose).then(|| read_traces(world.beside(way), 2 * messages));
    let (elapsed, latencies) = pairs.run();
    let ended = hoptrail::clock::instant();
    let clients = cpu_seconds(std::process::id()) - before[2];
    let mut lag = Duration::ZERO;
    if way == Way::Hoptrail {
        lag = world.recorded.expect(&world.hoptrail, counts(workload, messages), ended);
    }
    if let Some(traces) = traces {
        traces.join().unwrap_or_else(|_| panic!("the traces were not read"));
        lag = ended.elapsed();
    }
    let cpu = [cpu_seconds(world.broker_pid) - before[0], between.map_or(0.0, cpu_seconds) - before[1], clients];
    delete(&mut beside, workload.connections, way);
    beside.close();
    Round { per_s: messages as f64 / elapsed.as_secs_f64(), cpu, latencies, lag }
}

/// Publishers, and a consumer for each.
struct Pairs<'a> {
    target: Target,
    workload: &'a Workload,
    each: u64,
    first: u64,
    pace: Pace,
    zero: Instant,
}

impl Pairs<'_> {
    /// From the first publish to the last delivery and confirm. Connections are opened before and closed after.
    fn run(&self) -> (Duration, Vec<u32>) {
        let pairs = 0..self.workload.connections;
        let consumers = pairs.clone().map(|pair| Consumer::open(&self.target, &queue(pair), self.workload.acks));
        let consumers: Vec<Consumer> = consumers.collect();
        let publishers = pairs.clone().map(|pair| Publisher::open(&self.target, self.workload, &key(pair)));
        let publishers: Vec<Publisher> = publishers.collect();
        std::thread::scope(|scope| {
            let numbered = pairs.clone().zip(consumers);
            let consumers = numbered.map(|(pair, consumer)| scope.spawn(move || self.consume(pair, consumer)));
            let consumers: Vec<_> = consumers.collect();
            let started = hoptrail::clock::instant();
            let numbered = pairs.clone().zip(publishers);
            let publishers = numbered.map(|(pair, publisher)| scope.spawn(move || self.publish(pair, publisher)));
            let publishers: Vec<_> = publishers.collect();
            let mut last = started;
            for publisher in publishers {
                last = last.max(publisher.join().unwrap());
            }
            let mut latencies = Vec::new();
            for consumer in consumers {
                let (ended, mut more) = consumer.join().unwrap();
                last = last.max(ended);
                latencies.append(&mut more);
            }
            latencies.sort_unstable();
            (last - started, latencies)
        })
    }

    fn first(&self, pair: u64) -> u64 {
        self.first + pair * self.each.next_multiple_of(8)
    }

    fn consume(&self, pair: u64, mut consumer: Consumer) -> (Instant, Vec<u32>) {
        consumer.run(self.each, Content::Orders { first: self.first(pair) }, self.pace.map(|_| self.zero));
        let ended = hoptrail::clock::instant();
        let latencies = std::mem::take(&mut consumer.latencies);
        consumer.close();
        (ended, latencies)
    }

    fn publish(&self, pair: u64, mut publisher: Publisher) -> Instant {
        publisher.run(self.first(pair), self.each, self.pace, self.zero);
        let ended = hoptrail::clock::instant();
        publisher.close();
        ended
    }
}

/// Consumes so many traces in a thread of its own.
fn read_traces(target: Target, count: u64) -> std::thread::JoinHandle<()> {
    let mut consumer = Consumer::open(&target, TRACES, Acks::None);
    std::thread::spawn(move || {
        consumer.run(count, Content::Traces, None);
        consumer.close();
    })
}

fn queue(pair: u64) -> String {
    format!("mes.bench.{pair}")
}

fn key(pair: u64) -> String {
    format!("order.bench.{pair}")
}

fn declare(client: &mut Client, connections: u64, way: Way) {
    let exchange = Writer::method(EXCHANGE_DECLARE).short(0).text(EXCHANGE).text("topic").octet(0).table(&[]);
    client.call(exchange, EXCHANGE_DECLARE_OK);
    let mut bind = |queue: &str, bindings: &[(&str, &str)]| {
        client.call(Writer::method(QUEUE_DECLARE).short(0).text(queue).octet(0b10).table(&[]), QUEUE_DECLARE_OK);
        for (exchange, key) in bindings {
            let bind = Writer::method(QUEUE_BIND).short(0).text(queue).text(exchange).text(key);
            client.call(bind.octet(0).table(&[]), QUEUE_BIND_OK);
        }
    };
    (0..connections).for_each(|pair| bind(&queue(pair), &[(EXCHANGE, &key(pair))]));
    if way == Way::Firehose {
        bind(TRACES, &[(TRACE_EXCHANGE, "publish.#"), (TRACE_EXCHANGE, "deliver.#")]);
    }
}

fn delete(client: &mut Client, connections: u64, way: Way) {
    let traces = (way == Way::Firehose).then(|| TRACES.to_owned());
    for queue in (0..connections).map(queue).chain(traces) {
        client.call(Writer::method(QUEUE_DELETE).short(0).text(&queue).octet(0), QUEUE_DELETE_OK);
    }
}
