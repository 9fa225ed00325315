//! The handle with which captures record.

use std::sync::{Arc, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::journal::{Mark, Tail};
use crate::model::{Event, Source};

use super::marks::{Marks, mark_name};
use super::observation::Observation;
use super::prepare::{Learned, Preparer};
use super::queue::Queue;
use super::stats::{Counters, Stats};

/// The journal no longer takes events; the process is about to end.
#[derive(Debug, thiserror::Error)]
#[error("the journal no longer takes events")]
pub struct Stopped;

/// Records observations. A cheap handle.
#[derive(Clone)]
pub struct Recorder {
    pub(super) queue: Queue,
    pub(super) tail: Tail,
    pub(super) marks: Marks,
    pub(super) preparer: Arc<Preparer>,
    pub(super) counters: Counters,
    pub(super) stopping: CancellationToken,
    pub(super) failed: CancellationToken,
}

impl Recorder {
    /// Hands over an observation, waiting for room in the queue.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn record(&self, observation: Observation) -> Result<(), Stopped> {
        if self.queue.push(observation).await { Ok(()) } else { Err(Stopped) }
    }

    /// Hands over an observation if there is room. It comes back if there is none.
    ///
    /// # Errors
    /// The observation.
    pub fn try_record(&self, observation: Box<Observation>) -> Result<(), Box<Observation>> {
        self.queue.try_push(observation)
    }

    /// The point up to which a virtual host's source is recorded, earlier runs included. A gap after an outage begins
    /// there.
    #[must_use]
    pub fn mark(&self, vhost: &str, source: Source) -> Option<Mark> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&mark_name(vhost, source)).copied()
    }

    /// The newest commits, for the followers of the journal.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Prepares an event as it will be when it is recorded: gives it service and keys, masks it and cuts it. This is
    /// for displays and logs before the recording. The event recorded afterwards must be the original: the writer masks
    /// it, once.
    pub fn ready(&self, event: &mut Event) {
        self.preparer.prepare(event, None, &mut Learned::default());
    }

    /// Figures for health and metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.queue.fill())
    }

    /// Whether the journal takes no more events because of a failure.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// Whether nothing is recorded any more: after a failure, or because the writer has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_failed() || self.queue.is_closed()
    }

    /// Notes that recording cannot go on, and that the process has to end. The first reason stays.
    pub fn fail(&self, reason: &str) {
        self.counters.end(reason.to_owned());
        self.failed.cancel();
    }

    /// Completes when the journal has stopped taking events because of a failure.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Asks the writer to end after the rest of the queue; [`WriterHandle::join`](super::WriterHandle::join) waits for
    /// it.
    pub async fn stop(&self) {
        // A writer that waits for room on the disk takes nothing out of the queue.
        self.stopping.cancel();
        self.queue.stop().await;
    }
}
