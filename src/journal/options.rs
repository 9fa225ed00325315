//! The journal's sizes. Tests make them small, so that everything happens within few events.

use super::index::RUN_SPAN_MAX;

/// Sizes of a journal's parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Events after which a partition is sealed and the next begins. They bound the memory of sled, the reading at a
    /// restart, and the loss by one damaged file.
    pub part_events_max: u64,
    /// Bytes of its database after which a partition is sealed and the next begins.
    pub part_bytes_max: u64,
    /// Events whose terms are kept in memory before they are written as a run. A restart has to read these events
    /// again.
    pub run_events_max: u64,
    /// Sealed partitions that are open at a time; each takes some megabytes.
    pub open_parts_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { part_events_max: 4_000_000, part_bytes_max: 2 << 30, run_events_max: 125_000, open_parts_max: 8 }
    }
}

impl Options {
    /// These sizes, bounded to those that the index can serve.
    pub(super) fn bounded(self) -> Self {
        Options {
            part_events_max: self.part_events_max.clamp(1, RUN_SPAN_MAX / 2),
            run_events_max: self.run_events_max.max(1),
            ..self
        }
    }
}
