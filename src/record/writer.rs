//! The writer's loop: take what waits, prepare it, append it, and tell who waits for it.

use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::clock;
use crate::journal::{AppendError, Mark, Writer};
use crate::model::Event;

use super::observation::Receipt;
use super::prepare::Preparer;
use super::queue::Input;
use super::recorder::{Marks, mark_name, mark_of};
use super::repeats::Repeats;
use super::sources::Sources;
use super::stats::Counters;

/// Events of one commit: at full speed some twenty milliseconds' worth.
const COMMIT_EVENTS_MAX: usize = 4096;
/// Fewer than this are worth waiting a moment for more: a sync costs as much for one event as for many.
const COMMIT_EVENTS_FEW: usize = 256;
/// How long the moment is. Nobody waits for it but the broker, which keeps the messages meanwhile.
const COMMIT_LINGER: Duration = Duration::from_millis(5);

/// What the writer's thread owns.
pub(super) struct WriterLoop {
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) writer: Writer,
    pub(super) preparer: Preparer,
    pub(super) repeats: Repeats,
    pub(super) marks: Marks,
    pub(super) sources: Sources,
    pub(super) counters: Counters,
}

/// The running writer.
#[derive(Debug)]
pub struct WriterHandle(JoinHandle<()>);

impl WriterHandle {
    /// Waits, blocking, until the writer has recorded what was in the queue and closed the journal. `false`: it
    /// panicked.
    #[must_use]
    pub fn join(self) -> bool {
        self.0.join().is_ok()
    }
}

/// One commit in the making.
#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    marks: BTreeMap<String, Mark>,
    receipts: Vec<Receipt>,
    permits: Vec<OwnedSemaphorePermit>,
    repeated: u64,
    stop: bool,
}

impl WriterLoop {
    pub(super) fn start(self, failed: CancellationToken) -> io::Result<WriterHandle> {
        let counters = self.counters.clone();
        let builder = std::thread::Builder::new().name("hoptrail-writer".into());
        let run = move || {
            // A panic on the way out of the loop drops this, and recording counts as failed.
            let alarm = Alarm { failed, counters };
            self.run(&alarm);
        };
        builder.spawn(run).map(WriterHandle)
    }

    fn run(mut self, alarm: &Alarm) {
        loop {
            let batch = self.next_batch();
            let stop = batch.stop;
            if let Err(failure) = self.commit(batch) {
                error!(error = %failure, "the journal failed; nothing more is recorded");
                return alarm.raise(format!("{failure}"));
            }
            if stop {
                return alarm.disarm();
            }
        }
    }

    fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        let first = self.inputs.blocking_recv();
        self.add(first, &mut batch);
        if !batch.stop && self.inputs.len() < COMMIT_EVENTS_FEW {
            std::thread::sleep(COMMIT_LINGER);
        }
        while !batch.stop && batch.events.len() < COMMIT_EVENTS_MAX {
            match self.inputs.try_recv() {
                Ok(input) => self.add(Some(input), &mut batch),
                Err(_) => break,
            }
        }
        batch
    }

    fn add(&mut self, input: Option<Input>, batch: &mut Batch) {
        let Some(Input::Observation(observation, permit)) = input else {
            batch.stop = true;
            return;
        };
        let mut observation = *observation;
        self.preparer.prepare(&mut observation.event);
        batch.receipts.extend(observation.receipt);
        batch.permits.push(permit);
        if observation.maybe_repeated && self.repeats.take(&observation.event) {
            batch.repeated += 1;
            return;
        }
        let event = observation.event;
        self.repeats.remember(&event);
        if let Some((vhost, source)) = mark_of(&event) {
            let name = mark_name(&vhost, source);
            let known = self.writer.marks().get(&name).copied().unwrap_or_default();
            let mark = batch.marks.entry(name).or_insert(known);
            mark.at = mark.at.max(event.at);
            mark.offset = observation.offset.or(mark.offset);
        }
        batch.events.push(event);
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), AppendError> {
        let started = clock::instant();
        let marks: Vec<(String, Mark)> = batch.marks.into_iter().collect();
        self.writer.append(&mut batch.events, &marks)?;
        self.counters.committed(&batch.events, started.elapsed());
        self.counters.repeated(batch.repeated);
        self.note(&batch.events, marks);
        for receipt in batch.receipts {
            receipt.watermark.raise(receipt.tag);
        }
        Ok(())
    }

    fn note(&self, events: &[Event], marks: Vec<(String, Mark)>) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).extend(marks);
        let mut counts = BTreeMap::new();
        for event in events {
            if let Some(origin) = mark_of(event) {
                let (count, at) = counts.entry(origin).or_insert((0, event.at));
                *count += 1;
                *at = event.at;
            }
        }
        for ((vhost, source), (count, at)) in counts {
            self.sources.count(&vhost, source, count, at);
        }
    }
}

/// Tells that recording has failed, unless it ended as asked.
struct Alarm {
    failed: CancellationToken,
    counters: Counters,
}

impl Alarm {
    fn raise(&self, reason: String) {
        self.counters.poison(reason);
        self.failed.cancel();
    }

    fn disarm(&self) {
        self.counters.poison("recording was stopped".into());
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.raise("the writer panicked; its log names the place".into());
        }
    }
}
