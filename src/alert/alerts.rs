//! The handle on firing and recent alerts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::model::{Alert, AlertState, Event, Timestamp};

use super::notify::{Notifier, NotifierError, Outbox};
use super::spike::SpikeDetector;

/// Resolved alerts that are still shown.
const RECENT_MAX: usize = 100;

/// Firing and recent alerts. A cheap handle.
#[derive(Clone, Debug)]
pub struct Alerts {
    inner: Arc<Mutex<Inner>>,
    outbox: Outbox,
}

#[derive(Debug)]
struct Inner {
    detectors: Vec<SpikeDetector>,
    /// Newest first.
    recent: VecDeque<Alert>,
}

impl Alerts {
    /// The detectors of `[alert]`, and the task that sends their alerts to the webhook.
    ///
    /// # Errors
    /// The HTTP client for the webhook cannot be made.
    pub fn new(config: &config::Alert) -> Result<(Alerts, Notifier), NotifierError> {
        let (outbox, notifier) = Notifier::new(config.webhook.as_ref())?;
        let detectors = config.dead_letter_spikes.iter().cloned().map(SpikeDetector::new).collect();
        let inner = Arc::new(Mutex::new(Inner { detectors, recent: VecDeque::new() }));
        Ok((Alerts { inner, outbox }, notifier))
    }

    /// Forgets all applied events. The caller then applies every event again, as at a start.
    pub fn begin(&self) {
        let mut inner = self.lock();
        inner.detectors.iter_mut().for_each(SpikeDetector::begin);
        inner.recent.clear();
    }

    /// Takes committed events, in the order of the journal. At a start, these include the events of earlier runs.
    pub fn apply(&self, events: &[Event]) {
        let mut inner = self.lock();
        for detector in &mut inner.detectors {
            events.iter().for_each(|event| detector.apply(event));
        }
    }

    /// Reports the alerts that began or ended until `now`. At a start, first call it when all events of earlier runs
    /// have been applied.
    pub fn tick(&self, now: Timestamp) {
        let transitions: Vec<_> = {
            let mut inner = self.lock();
            let transitions: Vec<_> = inner.detectors.iter_mut().flat_map(|detector| detector.tick(now)).collect();
            for transition in &transitions {
                if transition.alert.state == AlertState::Resolved {
                    inner.recent.push_front(transition.alert.clone());
                    inner.recent.truncate(RECENT_MAX);
                }
            }
            transitions
        };
        transitions.into_iter().filter(|transition| transition.tell).for_each(|one| self.outbox.tell(one.alert));
    }

    /// Firing alerts, newest first, then those that were resolved most recently.
    #[must_use]
    pub fn report(&self) -> Vec<Alert> {
        let inner = self.lock();
        let mut alerts: Vec<_> = inner.detectors.iter().flat_map(SpikeDetector::firing).collect();
        alerts.sort_by(|a, b| (&b.since, &a.id).cmp(&(&a.since, &b.id)));
        alerts.extend(inner.recent.iter().cloned());
        alerts
    }

    /// The numbers of webhook notifications so far: sent, and failed for good.
    #[must_use]
    pub fn notifications(&self) -> (u64, u64) {
        self.outbox.counts()
    }

    /// A panic under the lock leaves the counts at most one event behind.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
