//! The desk: what every handler gets, and work that may block.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::facts::Facts;
use super::http::problem::Refusal;
use super::http::requests::Requests;

/// Threads that may read the journal at a time. Each search decodes on one core; more would only fight over the disk
/// with the recorder, which goes first.
const READS_MAX: usize = 16;

/// What every handler gets.
#[derive(Clone)]
pub(super) struct Desk {
    facts: Arc<dyn Facts>,
    reads: Arc<Semaphore>,
    /// Figures of the requests themselves.
    pub(super) requests: Requests,
    /// How long an answer may take.
    pub(super) request_timeout: std::time::Duration,
}

impl Desk {
    /// A desk that answers from `facts`.
    pub(super) fn new(facts: Arc<dyn Facts>, request_timeout: std::time::Duration) -> Self {
        Desk { facts, reads: Arc::new(Semaphore::new(READS_MAX)), requests: Requests::default(), request_timeout }
    }

    /// Runs `work` where it may block. The permit stays with the work: when the caller has stopped waiting, the thread
    /// still counts.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Facts) -> Result<T, Refusal> + Send + 'static,
    {
        let facts = Arc::clone(&self.facts);
        let permit = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| Refusal::Internal)?;
        let task = tokio::task::spawn_blocking(move || {
            let answer = work(&*facts);
            drop(permit);
            answer
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "answering a request failed");
            Err(Refusal::Internal)
        })
    }
}
