//! The handle that captures record with, and how recording starts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::journal::{self, Hole, Mark, Order, Reader, SetAside, Writer};
use crate::model::{Event, Gap, Kind, Seq, Source, Timestamp};

use super::key::{self, KeyError};
use super::observation::Observation;
use super::prepare::Preparer;
use super::queue::Queue;
use super::repeats::{REMEMBERED_MAX, Repeats};
use super::sources::Sources;
use super::stats::{Counters, Stats};
use super::writer::{WriterHandle, WriterLoop};

/// Why recording cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The newest events cannot be read back.
    #[error("the newest events of the journal cannot be read: {0}")]
    Read(#[from] journal::ReadError),
    /// The mask's key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The writer's thread cannot be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(std::io::Error),
}

/// The journal no longer takes events; the process is about to end.
#[derive(Debug, thiserror::Error)]
#[error("the journal no longer takes events")]
pub struct Stopped;

/// How far each source is recorded, by virtual host and source.
pub(super) type Marks = Arc<Mutex<BTreeMap<String, Mark>>>;

/// Records observations. A cheap handle.
#[derive(Clone)]
pub struct Recorder {
    queue: Queue,
    marks: Marks,
    sources: Sources,
    counters: Counters,
    failed: CancellationToken,
}

/// Opens the journal and starts its writer. Databases that had to be set aside become gap events.
///
/// # Errors
/// [`OpenError`].
pub fn open(config: &Config, now: Timestamp) -> Result<(Recorder, Reader, WriterHandle), OpenError> {
    let dir = &config.journal.dir;
    let (mut writer, reader, set_aside) = Writer::open(dir)?;
    let mask_key = key::load_or_create(&config.redact.key_file.clone().unwrap_or_else(|| dir.join("mask.key")))?;
    let mut holes: Vec<Event> = set_aside.iter().flat_map(|aside| hole_events(aside, now)).collect();
    if !holes.is_empty() {
        writer.append(&mut holes, &[]).map_err(|error| journal::OpenError::from_append(dir, error))?;
    }
    let mut repeats = Repeats::default();
    let newest = Seq(reader.last_seq().0.saturating_sub(REMEMBERED_MAX)).next()..reader.last_seq().next();
    for event in reader.scan(newest, Order::Ascending) {
        repeats.remember(&event?);
    }
    let (queue, inputs) = Queue::new(config.record.queue_len_max);
    let recorder = Recorder {
        queue,
        marks: Arc::new(Mutex::new(writer.marks().clone())),
        sources: Sources::default(),
        counters: Counters::default(),
        failed: CancellationToken::new(),
    };
    let preparer = Preparer::new(config, mask_key);
    let (marks, sources, counters) = (recorder.marks.clone(), recorder.sources.clone(), recorder.counters.clone());
    let writer_loop = WriterLoop { inputs, writer, preparer, repeats, marks, sources, counters };
    let handle = writer_loop.start(recorder.failed.clone()).map_err(OpenError::Thread)?;
    Ok((recorder, reader, handle))
}

/// Gap events of one damaged partition: its holes one by one, unless they are very many.
const HOLES_MAX: usize = 100;

fn hole_events(aside: &SetAside, now: Timestamp) -> Vec<Event> {
    let (single, rest) = aside.lost.split_at(aside.lost.len().min(HOLES_MAX));
    let mut events: Vec<Event> = single.iter().map(|hole| hole_event(aside, hole, hole_len(hole), now)).collect();
    if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
        let span = Hole { seqs: *first.seqs.start()..=*last.seqs.end(), from: first.from, to: last.to };
        events.push(hole_event(aside, &span, rest.iter().map(hole_len).sum(), now));
    }
    events
}

fn hole_len(hole: &Hole) -> u64 {
    (hole.seqs.end().0 + 1).saturating_sub(hole.seqs.start().0)
}

fn hole_event(aside: &SetAside, hole: &Hole, count: u64, now: Timestamp) -> Event {
    let mut event = Event::new(Kind::Gap, Source::Hoptrail, now);
    let cause = format!(
        "a partition of the journal was damaged ({}) and lies now in {}; {} of its events could be saved; of seq {} to \
         {}, {count} are missing",
        aside.reason,
        aside.dir.display(),
        aside.salvaged,
        hole.seqs.start(),
        hole.seqs.end(),
    );
    let gap = Gap { source: Source::Hoptrail, from: hole.from, to: hole.to, count: Some(count), cause: cause.into() };
    event.gap = Some(gap);
    event
}

impl Recorder {
    /// Hands over an observation, waiting for room in the queue.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn record(&self, observation: Observation) -> Result<(), Stopped> {
        if self.queue.push(observation).await { Ok(()) } else { Err(Stopped) }
    }

    /// How far a source of a virtual host is recorded, earlier runs included: where a gap after an outage begins.
    #[must_use]
    pub fn mark(&self, vhost: &str, source: Source) -> Option<Mark> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&mark_name(vhost, source)).copied()
    }

    /// Who observes what.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Figures for health and metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.queue.fill())
    }

    /// Completes when the journal has stopped taking events because of a failure.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Asks the writer to end after what is in the queue; [`WriterHandle::join`] waits for it.
    pub async fn stop(&self) {
        self.queue.stop().await;
    }
}

/// The name of a mark in the journal. A virtual host's name may hold any character but this one.
pub(super) fn mark_name(vhost: &str, source: Source) -> String {
    format!("{source}\0{vhost}")
}
