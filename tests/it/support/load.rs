//! A publisher that goes on and on, in bursts, and keeps a ledger of what the broker has confirmed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lapin::PublisherConfirm;
use lapin::options::BasicPublishOptions;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Scene;
use super::chance::Chance;
use super::client::{Client, persistent};

/// Where it publishes to.
pub const EXCHANGE: &str = "crash.orders";
/// Publishes that may await their confirm.
const UNCONFIRMED_MAX: usize = 500;
/// How often a burst comes.
const BURST_EVERY: Duration = Duration::from_millis(20);
/// One message in so many is larger than a block of the journal, or than the bodies that hoptrail keeps whole.
const LARGE_ONE_IN: u64 = 100;
const LARGE_BYTES: u64 = 100_000;
const BYTES: u64 = 1500;
/// Messages of one order.
const MESSAGES_OF_ORDER: usize = 8;

/// A message, under the number that its id ends with.
#[derive(Clone, Copy)]
pub struct Sent {
    pub bytes: u64,
    pub confirmed: bool,
}

/// What was published so far, one publisher after the other.
#[derive(Clone, Default)]
pub struct Sendings(Arc<Mutex<Vec<Sent>>>);

impl Sendings {
    pub fn all(&self) -> Vec<Sent> {
        self.0.lock().unwrap().clone()
    }

    pub fn confirmed(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|sent| sent.confirmed).count()
    }

    fn add(&self, bytes: usize) {
        self.0.lock().unwrap().push(Sent { bytes: bytes as u64, confirmed: false });
    }

    fn confirm(&self, number: usize) {
        self.0.lock().unwrap()[number].confirmed = true;
    }

    fn next(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// The id of a message.
pub fn message_id(number: usize) -> String {
    format!("sent-{number}")
}

/// The number of a message that this publisher has sent.
pub fn number_of(message_id: &str) -> Option<usize> {
    message_id.strip_prefix("sent-")?.parse().ok()
}

/// The order that a message is about.
pub fn order_id(number: usize) -> String {
    format!("JW-2026-{:06}", number / MESSAGES_OF_ORDER)
}

/// A running publisher.
pub struct Load {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Load {
    /// Makes the exchange, and a queue that stays short, as it has nobody to read it.
    pub async fn declare(scene: &Scene) {
        scene.exchange(EXCHANGE, "topic").await;
        scene.queue("crash.mes", json!({ "x-max-length": 100 })).await;
        scene.bind(EXCHANGE, "crash.mes", "#").await;
    }

    /// Begins to publish about `rate` messages a second.
    pub async fn start(scene: &Scene, rate: u64, seed: u64, sendings: &Sendings) -> Load {
        let stop = CancellationToken::new();
        let publisher = Publisher {
            client: Client::named(&scene.url(), "Load").await,
            chance: Chance::new(seed),
            burst_max: 2 * rate * u64::try_from(BURST_EVERY.as_millis()).unwrap() / 1000,
            sendings: sendings.clone(),
            waiting: VecDeque::new(),
        };
        Load { task: tokio::spawn(publisher.run(stop.clone())), stop }
    }

    /// Ends when all that was published is confirmed.
    pub async fn finish(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

struct Publisher {
    client: Client,
    chance: Chance,
    burst_max: u64,
    sendings: Sendings,
    waiting: VecDeque<(usize, PublisherConfirm)>,
}

impl Publisher {
    async fn run(mut self, stop: CancellationToken) {
        let mut bursts = tokio::time::interval(BURST_EVERY);
        while stop.run_until_cancelled(bursts.tick()).await.is_some() {
            for _ in 0..self.chance.below(self.burst_max + 1) {
                self.publish().await;
            }
        }
        while self.settle().await {}
    }

    async fn publish(&mut self) {
        let number = self.sendings.next();
        let body = self.body(number);
        self.sendings.add(body.len());
        let properties = persistent(&message_id(number)).with_content_type("application/json".into());
        let (options, key) = (BasicPublishOptions::default(), "order.submitted".into());
        let sent = self.client.channel.basic_publish(EXCHANGE.into(), key, options, body.as_bytes(), properties);
        self.waiting.push_back((number, sent.await.unwrap()));
        while self.waiting.len() > UNCONFIRMED_MAX {
            self.settle().await;
        }
    }

    /// Letters that compress as badly as they would in a real document.
    fn body(&mut self, number: usize) -> String {
        let bytes = if self.chance.below(LARGE_ONE_IN) == 0 { LARGE_BYTES } else { BYTES };
        let length = self.chance.below(bytes);
        let note: String = (0..length.div_ceil(11)).map(|_| format!("{:011x}", self.chance.below(1 << 44))).collect();
        format!(r#"{{"orderId":"{}","status":"SUBMITTED","note":"{note}"}}"#, order_id(number))
    }

    /// Waits for the oldest confirm; `false`: there is none.
    async fn settle(&mut self) -> bool {
        let Some((number, confirm)) = self.waiting.pop_front() else { return false };
        let confirmed = confirm.await.unwrap();
        assert!(confirmed.is_ack(), "the broker did not take it: {confirmed:?}");
        self.sendings.confirm(number);
        true
    }
}
