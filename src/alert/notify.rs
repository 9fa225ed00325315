//! The notifications of an alert. The log gets it at once. The webhook gets it through a bounded queue and a task of
//! its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::model::{Alert, AlertState};
use crate::web::{Backoff, WebError};

use super::webhook::{Attempt, Webhook};

/// Notifications that wait for the webhook. A receiver that is away longer would get the newest too late anyway.
const QUEUE_LEN_MAX: usize = 256;

/// The time limits of a notification, and the waits between its attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The first wait.
    pub(super) backoff_min: Duration,
    /// The longest wait.
    pub(super) backoff_max: Duration,
    /// A notification is given up after this time, so that the ones behind it are sent while they matter.
    pub(super) give_up_after: Duration,
    /// The notifications that still wait at the end of the process are tried for this long.
    pub(super) drain: Duration,
}

impl Patience {
    /// A receiver's restart takes a minute; a shutdown must not wait for one.
    pub(super) const USUAL: Patience = Patience {
        backoff_min: Duration::from_millis(500),
        backoff_max: Duration::from_secs(15),
        give_up_after: Duration::from_secs(120),
        drain: Duration::from_secs(3),
    };
}

/// The notifier cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The HTTP client cannot be made.
    #[error("cannot set up the client for alert.webhook_url: {0}; are the system's CA certificates installed?")]
    Client(#[source] WebError),
}

/// The entrance for alerts: it leads to the log and to the webhook's queue.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    queue: Option<mpsc::Sender<Alert>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
}

/// The task that sends alerts to the webhook.
#[derive(Debug)]
pub struct Notifier {
    webhook: Option<(Webhook, mpsc::Receiver<Alert>)>,
    counts: Arc<Counts>,
    patience: Patience,
}

impl Outbox {
    /// Writes the alert to the log, and queues it for the webhook.
    pub(super) fn tell(&self, alert: Alert) {
        let Alert { id, rule, vhost, queue, reason, .. } = &alert;
        let (value, vhost, queue, reason) = (alert.count as f64, &**vhost, &**queue, &**reason);
        match alert.state {
            AlertState::Firing => {
                tracing::warn!(alert.id = %id, alert.rule = %rule, alert.value = value, vhost, queue, reason, "alert fires");
            }
            AlertState::Resolved => {
                tracing::info!(alert.id = %id, alert.rule = %rule, alert.value = value, vhost, queue, reason, "alert is over");
            }
        }
        let Some(webhook) = &self.queue else { return };
        if webhook.try_send(alert).is_err() {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            tracing::error!("alert was not sent: too many wait for the webhook");
        }
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (self.counts.sent.load(Ordering::Relaxed), self.counts.failed.load(Ordering::Relaxed))
    }
}

impl Notifier {
    pub(super) fn new(webhook: Option<&config::Webhook>) -> Result<(Outbox, Notifier), NotifierError> {
        let counts = Arc::new(Counts::default());
        let (sender, webhook) = match webhook {
            None => (None, None),
            Some(settings) => {
                let (sender, receiver) = mpsc::channel(QUEUE_LEN_MAX);
                let webhook = Webhook::new(settings).map_err(NotifierError::Client)?;
                (Some(sender), Some((webhook, receiver)))
            }
        };
        let outbox = Outbox { queue: sender, counts: Arc::clone(&counts) };
        Ok((outbox, Notifier { webhook, counts, patience: Patience::USUAL }))
    }

    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Patience) -> Self {
        Notifier { patience, ..self }
    }

    /// Sends the queued alerts until `cancel`, then the remaining ones within a short time. Ends at once if no webhook
    /// is configured.
    pub async fn run(self, cancel: CancellationToken) {
        let Some((webhook, mut queue)) = self.webhook else { return };
        let mut sender = Sender { webhook, counts: self.counts, patience: self.patience };
        while let Some(Some(alert)) = cancel.run_until_cancelled(queue.recv()).await {
            sender.deliver(&alert, &cancel).await;
        }
        queue.close();
        let drained = tokio::time::timeout(sender.patience.drain, async {
            while let Some(alert) = queue.recv().await {
                sender.once(&alert).await;
            }
        });
        if drained.await.is_err() {
            // The alert that was under way, and the alerts behind it.
            let left = 1 + queue.len() as u64;
            sender.counts.failed.fetch_add(left, Ordering::Relaxed);
            tracing::error!(alerts = left, "alerts were not sent: the webhook did not answer before the end");
        }
    }
}

struct Sender {
    webhook: Webhook,
    counts: Arc<Counts>,
    patience: Patience,
}

impl Sender {
    /// Sends the alert until it is delivered, refused or given up; after `cancel`, once more.
    async fn deliver(&mut self, alert: &Alert, cancel: &CancellationToken) {
        let started = tokio::time::Instant::now();
        let mut backoff = Backoff::new(self.patience.backoff_min, self.patience.backoff_max);
        loop {
            let attempt = match cancel.run_until_cancelled(self.webhook.send(alert)).await {
                Some(attempt) => attempt,
                None => break,
            };
            let Attempt::Retry(why) = attempt else { return self.settle(alert, attempt) };
            let wait = backoff.next_wait();
            if started.elapsed() + wait > self.patience.give_up_after {
                return self.settle(alert, Attempt::Refused(why));
            }
            tracing::debug!(alert.id = %alert.id, error = %why, "alert will be sent again");
            if cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
        }
        if tokio::time::timeout(self.patience.drain, self.once(alert)).await.is_err() {
            self.settle(alert, Attempt::Refused("no answer before the end".into()));
        }
    }

    async fn once(&mut self, alert: &Alert) {
        match self.webhook.send(alert).await {
            Attempt::Retry(why) => self.settle(alert, Attempt::Refused(why)),
            settled => self.settle(alert, settled),
        }
    }

    fn settle(&self, alert: &Alert, attempt: Attempt) {
        match attempt {
            Attempt::Delivered => {
                self.counts.sent.fetch_add(1, Ordering::Relaxed);
            }
            Attempt::Refused(why) | Attempt::Retry(why) => {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(alert.id = %alert.id, error = %why, "alert was not sent to the webhook");
            }
        }
    }
}

#[cfg(test)]
mod tests;
