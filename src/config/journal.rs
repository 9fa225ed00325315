//! `[record]` and `[journal]`: the way to the disk.

use std::path::PathBuf;

use bytesize::ByteSize;
use serde::Deserialize;

use super::Problems;
use super::retention::{RawRetention, Retention};

/// The queue in front of the journal.
#[derive(Clone, Debug)]
pub struct Record {
    /// Observations that may wait for the writer.
    pub queue_len_max: usize,
    /// What happens to observations when the queue is full. Taps always wait: the broker keeps their messages.
    pub on_full: OnFull,
    /// Bytes of a body that are kept; of a larger one the beginning, its length and its digest.
    pub body_bytes_max: usize,
}

/// What a capture that cannot make its source wait does with an observation when the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// Drops it, and counts it into a gap.
    #[default]
    Gap,
    /// Waits, and with it the client whose message it is.
    Wait,
}

/// Where events are kept, and how long.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Directory of the journal.
    pub dir: PathBuf,
    /// Recording pauses while the file system has fewer bytes free than this.
    pub min_free: u64,
    /// Events of one partition; then the next begins.
    pub partition_events_max: u64,
    /// Bytes of one partition's database; then the next begins.
    pub partition_bytes_max: u64,
    /// What is kept for how long.
    pub retention: Retention,
}

/// A tap's prefetch of 1 000 from each of four queues, and room for as many again.
const QUEUE_LEN_MAX: usize = 8192;
/// Most business messages are whole below this; a thousand of the largest fit the queue in 64 MiB.
const BODY_BYTES_MAX: ByteSize = ByteSize::kib(64);
/// Four of the largest commits, and what sled and an index file take meanwhile.
const MIN_FREE: ByteSize = ByteSize::mib(256);
/// A partition of so many events is read again within a second, and is sealed within a few.
const PARTITION_EVENTS_MAX: u64 = 4_000_000;
const PARTITION_BYTES_MAX: ByteSize = ByteSize::gib(2);
/// Above this one event could fill a commit.
const BODY_BYTES_LIMIT: usize = 16 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRecord {
    queue_len_max: Option<usize>,
    on_full: OnFull,
    body_bytes_max: Option<ByteSize>,
}

impl RawRecord {
    pub(super) fn validate(self, problems: &mut Problems) -> Record {
        let body_bytes_max = self.body_bytes_max.unwrap_or(BODY_BYTES_MAX).as_u64();
        let record = Record {
            queue_len_max: self.queue_len_max.unwrap_or(QUEUE_LEN_MAX),
            on_full: self.on_full,
            body_bytes_max: usize::try_from(body_bytes_max).unwrap_or(usize::MAX),
        };
        problems.check_range("record.queue_len_max", &record.queue_len_max, 16..=1 << 20);
        problems.check_range("record.body_bytes_max", &record.body_bytes_max, 0..=BODY_BYTES_LIMIT);
        record
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawJournal {
    dir: Option<PathBuf>,
    min_free: Option<ByteSize>,
    partition_events_max: Option<u64>,
    partition_bytes_max: Option<ByteSize>,
    retention: RawRetention,
}

impl RawJournal {
    pub(super) fn validate(self, problems: &mut Problems) -> Journal {
        let dir = self.dir.unwrap_or_else(|| PathBuf::from("journal"));
        if dir.as_os_str().is_empty() {
            problems.add("journal.dir", "names no directory");
        }
        let journal = Journal {
            dir,
            min_free: self.min_free.unwrap_or(MIN_FREE).as_u64(),
            partition_events_max: self.partition_events_max.unwrap_or(PARTITION_EVENTS_MAX),
            partition_bytes_max: self.partition_bytes_max.unwrap_or(PARTITION_BYTES_MAX).as_u64(),
            retention: self.retention.validate(problems),
        };
        problems.check_range("journal.partition_events_max", &journal.partition_events_max, 1_000..=100_000_000);
        problems.check_range("journal.partition_bytes_max", &journal.partition_bytes_max, 1 << 20..=1 << 40);
        journal
    }
}
