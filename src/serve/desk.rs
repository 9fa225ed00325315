//! The desk of every handler: the handles, and threads for work that may block.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::query::{Handles, Unreadable};

use super::http::problem::Refusal;
use super::http::requests::Requests;

/// Threads that may read the journal at a time. Each search decodes on one core. More threads would only compete with
/// the recorder for the disk, and the recorder goes first.
const READS_MAX: usize = 16;

/// The state that every handler gets.
#[derive(Clone)]
pub(super) struct Desk {
    handles: Handles,
    reads: Arc<Semaphore>,
    /// Figures of the requests themselves.
    pub(super) requests: Requests,
}

impl Desk {
    /// A desk that answers from `handles`.
    pub(super) fn new(handles: Handles) -> Self {
        Desk { handles, reads: Arc::new(Semaphore::new(READS_MAX)), requests: Requests::default() }
    }

    /// Runs `work` on a thread that may block. The permit stays with the work: a thread still counts after its caller
    /// has stopped waiting.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Handles) -> Result<T, Unreadable> + Send + 'static,
    {
        let handles = self.handles.clone();
        let permit = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| Refusal::Internal)?;
        let task = tokio::task::spawn_blocking(move || {
            let answer = work(&handles);
            drop(permit);
            answer
        });
        match task.await {
            Ok(answer) => answer.map_err(Into::into),
            Err(error) => {
                tracing::error!(%error, "answering a request failed");
                Err(Refusal::Internal)
            }
        }
    }
}
