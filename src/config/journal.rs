//! `[record]` and `[journal]`: the way to the disk.

use std::path::PathBuf;

use bytesize::ByteSize;
use serde::Deserialize;

use super::Problems;

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

/// Where events are kept.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Directory of the journal.
    pub dir: PathBuf,
}

/// A tap's prefetch of 1 000 from each of four queues, and room for as many again.
const QUEUE_LEN_MAX: usize = 8192;
/// Most business messages are whole below this; a thousand of the largest fit the queue in 64 MiB.
const BODY_BYTES_MAX: ByteSize = ByteSize::kib(64);
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
}

impl RawJournal {
    pub(super) fn validate(self, problems: &mut Problems) -> Journal {
        let dir = self.dir.unwrap_or_else(|| PathBuf::from("journal"));
        if dir.as_os_str().is_empty() {
            problems.add("journal.dir", "names no directory");
        }
        Journal { dir }
    }
}
