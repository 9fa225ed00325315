//! The numbers of recorded events: by kind, service and queue. They stay when retention has removed the events.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use crate::model::{Event, Kind, Seq, Str, Timestamp};

/// Rows of one partition. Events beyond them are counted by kind only. Two thousand queues with two services fit.
const ROWS_MAX: usize = 4_096;

/// A row of the statistics: events of one kind, by service and queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count {
    /// Kind of the events.
    pub kind: Kind,
    /// The business system that acted, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// Queue, where the events name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Str>,
    /// The number of events.
    pub count: u64,
}

type Key = (Kind, Option<Str>, Option<Str>);

/// Counts that grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(HashMap<Key, u64, RandomState>);

impl Counts {
    pub(super) fn add(&mut self, event: &Event) {
        self.add_key((event.kind, event.service.clone(), event.queue.clone()), 1);
    }

    pub(super) fn add_count(&mut self, row: &Count) {
        self.add_key((row.kind, row.service.clone(), row.queue.clone()), row.count);
    }

    fn add_key(&mut self, key: Key, count: u64) {
        if let Some(sum) = self.0.get_mut(&key) {
            *sum += count;
            return;
        }
        let key = if self.0.len() < ROWS_MAX { key } else { (key.0, None, None) };
        *self.0.entry(key).or_default() += count;
    }

    /// The rows, in a fixed order.
    pub(super) fn rows(&self) -> Vec<Count> {
        let row = |((kind, service, queue), count): (&Key, &u64)| Count {
            kind: *kind,
            service: service.clone(),
            queue: queue.clone(),
            count: *count,
        };
        let mut rows: Vec<Count> = self.0.iter().map(row).collect();
        rows.sort_unstable();
        rows
    }
}

/// The statistics of one partition, whether it is still there or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// Its first number.
    pub first: Seq,
    /// Its last number.
    pub last: Seq,
    /// Time of its first event.
    pub from: Timestamp,
    /// Time of its last event. A partition never spans two days (UTC).
    pub to: Timestamp,
    /// Whether its events can still be read.
    pub kept: bool,
    /// The counts.
    pub counts: Vec<Count>,
}
