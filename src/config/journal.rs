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
    /// The fate of observations when the queue is full. Taps always wait, because the broker keeps their messages.
    pub on_full: OnFull,
    /// Bytes of a body that are kept; of a larger one the beginning, its length and its digest.
    pub body_bytes_max: usize,
}

/// The fate of an observation when the queue is full and its capture cannot make the source wait.
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
    /// How long events are kept.
    pub retention: Retention,
}

/// It holds a tap's prefetch of 1 000 from each of four queues twice.
const QUEUE_LEN_MAX: usize = 8192;
/// Most business messages are smaller, and a thousand of the largest take 64 MiB in the queue.
const BODY_BYTES_MAX: ByteSize = ByteSize::kib(64);
/// It holds four of the largest commits, and the files that sled and the index write meanwhile.
const MIN_FREE: ByteSize = ByteSize::mib(256);
/// hoptrail reads such a partition again within a second, and seals it within a few.
const PARTITION_EVENTS_MAX: u64 = 4_000_000;
/// The memory that sled needs grows with its file.
const PARTITION_BYTES_MAX: ByteSize = ByteSize::gib(2);
/// Above this one event could fill a commit.
const BODY_BYTES_LIMIT: usize = 16 << 20;

/// The queue in front of the journal.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRecord {
    /// The most observations that may wait for the disk.
    ///
    /// Range: `16` to `1048576`
    ///
    /// Default: `8192`
    queue_len_max: Option<usize>,
    /// The way out when this queue and the backlog of the proxy are full. `gap` drops observations and counts them
    /// into gaps; `wait` makes clients wait. Taps always wait.
    ///
    /// Values: `gap`, `wait`
    ///
    /// Default: `gap`
    on_full: OnFull,
    /// The most bytes of a body that are kept. Of a larger body hoptrail keeps the beginning, the length and the
    /// digest.
    ///
    /// Range: `0B` to `16MiB`
    ///
    /// Default: `64KiB`
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

/// The directory where hoptrail keeps events.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawJournal {
    /// The directory of the journal. hoptrail creates it if it does not exist.
    ///
    /// Default: `journal`
    dir: Option<PathBuf>,
    /// Recording pauses while the file system has fewer bytes free, and resumes by itself. The broker keeps messages
    /// for the taps meanwhile.
    ///
    /// Default: `256MiB`
    min_free: Option<ByteSize>,
    /// The most events of a partition. After that, or at the end of a day (UTC), the next partition begins.
    ///
    /// Range: `1000` to `100000000`
    ///
    /// Default: `4000000`
    partition_events_max: Option<u64>,
    /// The most bytes of a partition's database. After that the next partition begins.
    ///
    /// Range: `1MiB` to `1TiB`
    ///
    /// Default: `2GiB`
    partition_bytes_max: Option<ByteSize>,
    /// How long events are kept.
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
