//! The writer's loop: it takes observations, prepares them, appends them, and notifies their captures.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock;
use crate::journal::{AppendError, Mark, Tail, Writer};
use crate::live::Sources;
use crate::model::{Event, Seq, Source, Str, Timestamp};
use crate::task;

use super::marks::{Marks, mark_name};
use super::observation::Receipt;
use super::prepare::{Learned, Preparer};
use super::queue::Input;
use super::repeats::Repeats;
use super::room::Room;
use super::stats::Counters;

/// Events of one commit: at full speed some twenty milliseconds' worth.
pub(super) const COMMIT_EVENTS: usize = 4096;
/// After a commit that took longer than this, the next takes twice as many events. On a slow disk fewer syncs get more
/// done.
const SLOW_COMMIT: Duration = Duration::from_millis(100);
/// With fewer events than this, the writer waits a moment for more: a sync costs as much for one event as for many.
const COMMIT_EVENTS_FEW: usize = 256;
/// The length of that moment. Only the broker waits for it, and keeps the messages meanwhile.
const COMMIT_LINGER: Duration = Duration::from_millis(5);

/// The time between two looks for room while the writer pauses.
const ROOM_RETRY: Duration = Duration::from_millis(250);

/// The state of the writer's thread.
pub(super) struct WriterLoop {
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) writer: Writer,
    pub(super) tail: Tail,
    pub(super) preparer: Arc<Preparer>,
    pub(super) learned: Learned,
    pub(super) repeats: Repeats,
    pub(super) marks: Marks,
    pub(super) sources: Sources,
    pub(super) counters: Counters,
    pub(super) room: Room,
    pub(super) stopping: CancellationToken,
    pub(super) commit_events: usize,
    /// The vector of an earlier commit, whose memory the next commit uses again.
    pub(super) events: Vec<Event>,
}

/// The running writer.
#[derive(Debug)]
pub struct WriterHandle(JoinHandle<()>);

impl WriterHandle {
    /// Waits, blocking, until the writer has recorded the rest of the queue and closed the journal. `false`: the writer
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
    origins: BTreeMap<(Str, Source), Seen>,
    receipts: Vec<Receipt>,
    permit: Option<OwnedSemaphorePermit>,
    repeated: u64,
    stop: bool,
}

impl Batch {
    /// The number of observations from the proxy.
    fn passed(&self) -> u64 {
        self.origins.iter().filter(|((_, source), _)| *source == Source::Proxy).map(|(_, seen)| seen.events).sum()
    }
}

/// The events of one capture's source in a commit.
struct Seen {
    events: u64,
    newest: Timestamp,
}

impl WriterLoop {
    pub(super) fn start(self, failed: CancellationToken) -> io::Result<WriterHandle> {
        let alarm = Alarm { failed, counters: self.counters.clone() };
        let on_panic = alarm.clone();
        let run = move || self.run(&alarm);
        let panicked = move || on_panic.raise("the writer panicked; standard error names the place".to_owned());
        task::thread("hoptrail-writer", run, panicked).map(WriterHandle)
    }

    fn run(mut self, alarm: &Alarm) {
        loop {
            let batch = self.next_batch();
            let (stop, passed) = (batch.stop, batch.passed());
            if let Err(failure) = self.commit(batch) {
                if let AppendError::Full { .. } = failure {
                    // The writer was asked to stop while it paused. Events not recorded were not acknowledged to the
                    // broker either.
                    self.tell_lost(passed);
                    return alarm.stop();
                }
                error!(error = %failure, "the journal failed; nothing more is recorded");
                return alarm.raise(format!("{failure}"));
            }
            if stop {
                return alarm.stop();
            }
        }
    }

    /// Warns of lost observations from the proxy, because they never come again.
    fn tell_lost(&mut self, mut observations: u64) {
        self.inputs.close();
        while let Some(input) = self.inputs.blocking_recv() {
            let Input::Observation(observation, _) = input else { continue };
            observations += u64::from(observation.event.source == Source::Proxy);
        }
        if observations > 0 {
            warn!(observations, "lost: hoptrail was stopped while nothing could be recorded");
        }
    }

    fn next_batch(&mut self) -> Batch {
        let mut batch = Batch { events: std::mem::take(&mut self.events), ..Batch::default() };
        self.learned.bodies.refer_from(self.writer.oldest_in_part().unwrap_or(self.writer.last_seq().next()));
        let first = self.inputs.blocking_recv();
        self.add(first, &mut batch);
        if !batch.stop && self.inputs.len() < COMMIT_EVENTS_FEW {
            std::thread::sleep(COMMIT_LINGER);
        }
        while !batch.stop && batch.events.len() < self.commit_events {
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
        self.preparer.prepare(&mut observation.event, observation.link.as_ref(), &mut self.learned);
        batch.receipts.extend(observation.receipt);
        match &mut batch.permit {
            Some(all) => all.merge(permit),
            none => *none = Some(permit),
        }
        if observation.maybe_repeated && self.repeats.take(&observation.event) {
            batch.repeated += 1;
            return;
        }
        let event = observation.event;
        // The proxy never gets the same bytes twice.
        if event.source != Source::Proxy {
            self.repeats.remember(&event);
        }
        if let Some(origin) = observation.origin {
            let seen = batch.origins.entry(origin).or_insert(Seen { events: 0, newest: event.at });
            seen.events += 1;
            seen.newest = seen.newest.max(event.at);
        }
        let index = batch.events.len() as u64;
        self.learned.bodies.note(&event, Seq(self.writer.last_seq().next().0 + index));
        batch.events.push(event);
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), AppendError> {
        let started = clock::instant();
        let mark =
            |((vhost, source), seen): (&(Str, Source), &Seen)| (mark_name(vhost, *source), Mark { at: seen.newest });
        let marks: Vec<(String, Mark)> = batch.origins.iter().map(mark).collect();
        self.append(&mut batch.events, &marks)?;
        let took = started.elapsed();
        // No commit is larger than the queue.
        self.commit_events = if took > SLOW_COMMIT {
            (2 * self.commit_events).min(self.inputs.max_capacity().max(COMMIT_EVENTS))
        } else {
            (self.commit_events / 2).max(COMMIT_EVENTS)
        };
        self.counters.committed(&batch.events, took);
        self.counters.repeated(batch.repeated);
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).extend(marks);
        for ((vhost, source), seen) in batch.origins {
            self.sources.count(&vhost, source, seen.events, seen.newest);
        }
        for receipt in batch.receipts {
            receipt.watermark.raise(receipt.tag);
        }
        self.tail.offer(&mut batch.events);
        self.events = batch.events;
        Ok(())
    }
}

impl WriterLoop {
    /// Appends the events, and waits for room on the disk as long as it takes. [`AppendError::Full`]: it was asked to
    /// stop.
    fn append(&mut self, events: &mut Vec<Event>, marks: &[(String, Mark)]) -> Result<(), AppendError> {
        let mut begun = false;
        loop {
            let full = match self.room.lack() {
                Some(why) => AppendError::Full { what: why.into(), source: None },
                None => {
                    if !begun {
                        events.extend(self.room.resume());
                    }
                    begun = true;
                    match self.writer.append(events, marks) {
                        Err(full @ AppendError::Full { .. }) => full,
                        done => {
                            self.counters.pause(None);
                            return done;
                        }
                    }
                }
            };
            // A part of the events may be durable. The followers get it now, and do not wait for the end of the pause.
            self.tail.miss(self.writer.last_seq());
            if self.room.pause(&full.to_string()) {
                self.counters.pause(Some(full.to_string()));
            }
            if self.stopping.is_cancelled() {
                return Err(full);
            }
            std::thread::sleep(ROOM_RETRY);
        }
    }
}

/// Tells the reason that recording has ended.
#[derive(Clone)]
struct Alarm {
    failed: CancellationToken,
    counters: Counters,
}

impl Alarm {
    fn raise(&self, reason: String) {
        self.counters.end(reason);
        self.failed.cancel();
    }

    fn stop(&self) {
        self.counters.end("recording was stopped".into());
    }
}
