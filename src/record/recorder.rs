//! The handle that captures record with.

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

    /// Hands over an observation if there is room; it comes back where there is none.
    ///
    /// # Errors
    /// The observation.
    pub fn try_record(&self, observation: Box<Observation>) -> Result<(), Box<Observation>> {
        self.queue.try_push(observation)
    }

    /// How far a source of a virtual host is recorded, earlier runs included: where a gap after an outage begins.
    #[must_use]
    pub fn mark(&self, vhost: &str, source: Source) -> Option<Mark> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&mark_name(vhost, source)).copied()
    }

    /// The newest commits, for those that follow the journal.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Gives an event service and keys, masks and cuts it, as it will be when it is recorded: for what is shown or logged
    /// before that. What is recorded afterwards must be the event as it was: it is masked on its way, once.
    pub fn ready(&self, event: &mut Event) {
        self.preparer.prepare(event, None, &mut Learned::default());
    }

    /// Figures for health and metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.queue.fill())
    }

    /// The journal takes nothing any more because of a failure.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// Nothing is recorded any more: after a failure, or because the writer has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_failed() || self.queue.is_closed()
    }

    /// Recording cannot go on: the process is to end. The first reason stays.
    pub fn fail(&self, reason: &str) {
        self.counters.poison(reason.to_owned());
        self.failed.cancel();
    }

    /// Completes when the journal has stopped taking events because of a failure.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Asks the writer to end after what is in the queue; [`WriterHandle::join`](super::WriterHandle::join) waits for it.
    pub async fn stop(&self) {
        // A writer that waits for room on the disk takes nothing out of the queue.
        self.stopping.cancel();
        self.queue.stop().await;
    }
}
