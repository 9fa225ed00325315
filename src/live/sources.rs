//! The sources with their state and their problems: set by captures, shown as coverage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Source, SourceCoverage, SourceState, Str, Timestamp};

/// Problems kept for one source; further ones are counted in one sentence.
const PROBLEMS_MAX: usize = 100;
/// Sources that are kept; virtual hosts come from the configuration, so this is never met in earnest.
const SOURCES_MAX: usize = 4096;

/// The registry. A cheap handle.
#[derive(Clone, Default)]
pub struct Sources(Arc<Mutex<BTreeMap<(String, Source), Entry>>>);

#[derive(Default)]
struct Entry {
    state: SourceState,
    since: Timestamp,
    queue: Option<String>,
    exchanges: Vec<String>,
    problems: Vec<String>,
    recorded: u64,
    last_at: Option<Timestamp>,
}

impl Sources {
    /// Sets the state of a source; its time moves only when the state changes.
    pub fn set_state(&self, vhost: &str, source: Source, state: SourceState, now: Timestamp) {
        self.update(vhost, source, |entry| {
            if entry.since == Timestamp::default() || entry.state != state {
                entry.since = now;
            }
            entry.state = state;
        });
    }

    /// Sets the tap's queue with its type, and the exchanges it is bound to.
    pub fn describe(&self, vhost: &str, source: Source, queue: Option<String>, exchanges: Vec<String>) {
        self.update(vhost, source, |entry| {
            entry.queue = queue;
            entry.exchanges = exchanges;
        });
    }

    /// Replaces the problems that keep a source from observing, one sentence each.
    pub fn set_problems(&self, vhost: &str, source: Source, mut problems: Vec<String>) {
        if problems.len() > PROBLEMS_MAX {
            let more = problems.len() - PROBLEMS_MAX;
            problems.truncate(PROBLEMS_MAX);
            problems.push(format!("and {more} more"));
        }
        self.update(vhost, source, |entry| entry.problems = problems);
    }

    /// All sources, by virtual host.
    #[must_use]
    pub fn report(&self) -> Vec<SourceCoverage> {
        let entries = self.lock();
        let view = |((vhost, source), entry): (&(String, Source), &Entry)| SourceCoverage {
            vhost: vhost.clone(),
            source: (*source).into(),
            state: entry.state,
            since: entry.since,
            queue: entry.queue.clone(),
            exchanges: entry.exchanges.clone(),
            problems: entry.problems.clone(),
            recorded: entry.recorded,
            last_at: entry.last_at,
        };
        entries.iter().map(view).collect()
    }

    /// Counts recorded observations; only of sources that a capture has announced.
    pub fn count(&self, vhost: &Str, source: Source, recorded: u64, at: Timestamp) {
        let mut entries = self.lock();
        if let Some(entry) = entries.get_mut(&(vhost.to_string(), source)) {
            entry.recorded += recorded;
            entry.last_at = Some(at);
        }
    }

    fn update(&self, vhost: &str, source: Source, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        let key = (vhost.to_owned(), source);
        if entries.len() < SOURCES_MAX || entries.contains_key(&key) {
            change(entries.entry(key).or_default());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, Source), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
