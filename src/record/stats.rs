//! Figures of the writer, for health and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{Event, Kind, Source, Str};

/// Pairs of queue and reason that are counted by themselves; the rest are counted together as `other`.
const DEAD_LETTER_PAIRS_MAX: usize = 1000;

/// Figures of the writer since the start.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// The reason that recording stopped for good.
    pub ended: Option<String>,
    /// The reason that nothing is recorded for now.
    pub paused: Option<String>,
    /// Observations waiting.
    pub queue_len: usize,
    /// Observations that may wait.
    pub queue_len_max: usize,
    /// Events by source and kind.
    pub recorded: Vec<(Source, Kind, u64)>,
    /// Dead letters by queue and reason.
    pub dead_letters: Vec<(Str, Str, u64)>,
    /// Deliveries left out because they were recorded before.
    pub repeated: u64,
    /// Commits.
    pub commits: u64,
    /// Time spent in commits, in seconds.
    pub commit_seconds: f64,
    /// The slowest commit, in seconds.
    pub commit_seconds_max: f64,
}

/// The counters of the writer.
#[derive(Clone, Default)]
pub(super) struct Counters(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    ended: Option<String>,
    paused: Option<String>,
    recorded: BTreeMap<(Source, Kind), u64>,
    dead_letters: BTreeMap<(Str, Str), u64>,
    repeated: u64,
    commits: u64,
    commit_time: Duration,
    commit_time_max: Duration,
}

impl Counters {
    pub(super) fn committed(&self, events: &[Event], took: Duration) {
        let mut counts = self.lock();
        counts.commits += 1;
        counts.commit_time += took;
        counts.commit_time_max = counts.commit_time_max.max(took);
        for event in events {
            *counts.recorded.entry((event.source, event.kind)).or_default() += 1;
            if let (Kind::DeadLetter, Some(death)) = (event.kind, &event.death) {
                counts.dead_letter(&death.queue, &death.reason);
            }
        }
    }

    pub(super) fn repeated(&self, count: u64) {
        self.lock().repeated += count;
    }

    /// Notes the reason that recording stopped. The first reason stays.
    pub(super) fn end(&self, reason: String) {
        self.lock().ended.get_or_insert(reason);
    }

    /// Notes the reason that nothing is recorded for now. `None`: events are recorded again.
    pub(super) fn pause(&self, why: Option<String>) {
        self.lock().paused = why;
    }

    pub(super) fn stats(&self, (queue_len, queue_len_max): (usize, usize)) -> Stats {
        let counts = self.lock();
        Stats {
            ended: counts.ended.clone(),
            paused: counts.paused.clone(),
            queue_len,
            queue_len_max,
            recorded: counts.recorded.iter().map(|((source, kind), count)| (*source, *kind, *count)).collect(),
            dead_letters: counts
                .dead_letters
                .iter()
                .map(|((queue, reason), count)| (queue.clone(), reason.clone(), *count))
                .collect(),
            repeated: counts.repeated,
            commits: counts.commits,
            commit_seconds: counts.commit_time.as_secs_f64(),
            commit_seconds_max: counts.commit_time_max.as_secs_f64(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn dead_letter(&mut self, queue: &Str, reason: &Str) {
        let mut key = (queue.clone(), reason.clone());
        if self.dead_letters.len() >= DEAD_LETTER_PAIRS_MAX && !self.dead_letters.contains_key(&key) {
            key = ("other".into(), "other".into());
        }
        *self.dead_letters.entry(key).or_default() += 1;
    }
}
