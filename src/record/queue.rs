//! The queue in front of the writer: bounded in observations and in bytes.

use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::observation::Observation;

/// Bytes of bodies and headers that may wait. A queue full of ordinary messages stays far below this limit, a few large
/// messages do not.
const QUEUE_BYTES_MAX: u32 = 24 << 20;
/// Bytes of an observation besides its body and its headers.
const OVERHEAD_BYTES: usize = 1024;

/// The input of the writer.
pub(super) enum Input {
    /// An observation to record. Its permit is given back once that is done.
    Observation(Box<Observation>, OwnedSemaphorePermit),
    /// The request to record the rest of the queue, then end.
    Stop,
}

/// The sending side.
#[derive(Clone)]
pub(super) struct Queue {
    sender: mpsc::Sender<Input>,
    bytes: Arc<Semaphore>,
}

impl Queue {
    pub(super) fn new(len_max: usize) -> (Queue, mpsc::Receiver<Input>) {
        let (sender, receiver) = mpsc::channel(len_max);
        (Queue { sender, bytes: Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize)) }, receiver)
    }

    /// Waits for room. `false`: the writer has ended.
    pub(super) async fn push(&self, observation: Observation) -> bool {
        let Ok(permit) = self.bytes.clone().acquire_many_owned(cost(&observation)).await else { return false };
        self.sender.send(Input::Observation(Box::new(observation), permit)).await.is_ok()
    }

    /// Pushes an observation without waiting. It comes back if there is no room.
    pub(super) fn try_push(&self, observation: Box<Observation>) -> Result<(), Box<Observation>> {
        let Ok(permit) = self.bytes.clone().try_acquire_many_owned(cost(&observation)) else { return Err(observation) };
        match self.sender.try_send(Input::Observation(observation, permit)) {
            Ok(()) => Ok(()),
            Err(
                TrySendError::Full(Input::Observation(back, _)) | TrySendError::Closed(Input::Observation(back, _)),
            ) => Err(back),
            Err(TrySendError::Full(Input::Stop) | TrySendError::Closed(Input::Stop)) => Ok(()),
        }
    }

    /// Asks the writer to end after the rest of the queue.
    pub(super) async fn stop(&self) {
        // A writer that has ended already needs no request.
        drop(self.sender.send(Input::Stop).await);
    }

    /// Whether the writer has ended. Nothing that is pushed after that is recorded.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// The number of waiting observations, and its limit.
    pub(super) fn fill(&self) -> (usize, usize) {
        let max = self.sender.max_capacity();
        (max - self.sender.capacity(), max)
    }
}

/// Bytes that an observation takes in the queue.
fn cost(observation: &Observation) -> u32 {
    u32::try_from(observation.event.weight() + OVERHEAD_BYTES).unwrap_or(u32::MAX).min(QUEUE_BYTES_MAX)
}
