//! The start of recording: the journal is opened, its losses are recorded as gaps, and the writer begins.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::{self, Config};
use crate::journal::{self, Options, Order, Reader, SetAside, Tail, Writer};
use crate::live::Sources;
use crate::model::{Event, Seq};

use super::keep::{self, Keeping, gaps};
use super::key::{self, KeyError};
use super::prepare::{Learned, Preparer};
use super::queue::Queue;
use super::recorder::Recorder;
use super::repeats::{REMEMBERED_MAX, Repeats};
use super::room::Room;
use super::stats::Counters;
use super::writer::{COMMIT_EVENTS, WriterHandle, WriterLoop};

/// The reason that recording cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The mask's key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The writer's thread cannot be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(std::io::Error),
}

/// A journal that is open and recorded into.
pub struct Opened {
    /// Takes observations.
    pub recorder: Recorder,
    /// Reads committed events.
    pub reader: Reader,
    /// Waits for the end of the writer's thread.
    pub writer: WriterHandle,
    /// Applies retention; it has to be run.
    pub keeping: Keeping,
}

/// Opens the journal and starts its writer. Partitions that had to be set aside become gap events. The caller has to
/// run the [`Keeping`]. Durable events are counted in `sources`.
///
/// # Errors
/// [`OpenError`].
pub fn open(config: &Config, sources: Sources) -> Result<Opened, OpenError> {
    let dir = &config.journal.dir;
    let (writer, reader, _) = open_journal(&config.journal)?;
    let mask_key = key::load_or_create(&config.redact.key_file.clone().unwrap_or_else(|| dir.join("mask.key")))?;
    let mut repeats = Repeats::default();
    let newest = Seq(reader.last_seq().0.saturating_sub(REMEMBERED_MAX)).next()..reader.last_seq().next();
    for event in reader.scan(newest, Order::Ascending) {
        match event {
            Ok(event) => repeats.remember(&event),
            // The keeper saves the readable events. Repetitions of the lost events are recorded.
            Err(error) => warn!(%error, "some of the newest events cannot be read"),
        }
    }
    let (queue, inputs) = Queue::new(config.record.queue_len_max);
    let recorder = Recorder {
        queue,
        tail: Tail::default(),
        stopping: CancellationToken::new(),
        marks: Arc::new(Mutex::new(writer.marks().clone())),
        preparer: Arc::new(Preparer::new(config, mask_key)),
        counters: Counters::default(),
        failed: CancellationToken::new(),
    };
    let (marks, counters) = (recorder.marks.clone(), recorder.counters.clone());
    let preparer = recorder.preparer.clone();
    let keeper = writer.keeper(keep::policy(&config.journal.retention));
    let keeping = Keeping::new(keeper, recorder.clone(), config.journal.retention.rate);
    let room = Room::new(dir.clone(), config.journal.min_free);
    let stopping = recorder.stopping.clone();
    let writer_loop = WriterLoop {
        inputs,
        writer,
        tail: recorder.tail.clone(),
        preparer,
        learned: Learned::default(),
        repeats,
        marks,
        sources,
        counters,
        room,
        stopping,
        commit_events: COMMIT_EVENTS,
        events: Vec::new(),
    };
    let writer = writer_loop.start(recorder.failed.clone()).map_err(OpenError::Thread)?;
    Ok(Opened { recorder, reader, writer, keeping })
}

/// Opens the journal. The partitions that it had to set aside are recorded as gaps.
///
/// # Errors
/// [`journal::OpenError`].
pub fn open_journal(journal: &config::Journal) -> Result<(Writer, Reader, Vec<SetAside>), journal::OpenError> {
    let (mut writer, reader, set_aside) = Writer::open_with(&journal.dir, options(journal))?;
    let mut holes: Vec<Event> = set_aside.iter().flat_map(hole_events).collect();
    if !holes.is_empty() {
        let appended = writer.append(&mut holes, &[]);
        appended.map_err(|error| journal::OpenError::from_append(&journal.dir, error))?;
    }
    Ok((writer, reader, set_aside))
}

fn options(journal: &config::Journal) -> Options {
    Options {
        part_events_max: journal.partition_events_max,
        part_bytes_max: journal.partition_bytes_max,
        ..Options::default()
    }
}

fn hole_events(aside: &SetAside) -> Vec<Event> {
    let cause = format!(
        "a partition of the journal was damaged ({}) and lies now in {}; {} of its events could be saved",
        aside.reason,
        aside.dir.display(),
        aside.salvaged
    );
    gaps(&aside.lost, &cause)
}
