//! Dead-letter spikes by one rule. Each pair of queue and reason is counted separately.
//!
//! The detector has no I/O and no clock: events carry their time, and [`SpikeDetector::tick`] is given the time. The
//! events' times alone decide the beginning and the end of an alert, not the times of the ticks.

use std::collections::{HashMap, VecDeque};

use crate::config::SpikeRule;
use crate::model::{Alert, AlertState, Event, Kind, Seq, Str, Timestamp};

use super::window::Window;

/// Pairs of queue and reason that are counted at a time. Beyond this number, the pair that has been quiet for longest
/// is evicted, and a firing pair last. With their windows, the pairs take 16 MB at most.
const WATCHED_MAX: usize = 1000;
/// Orders and events that an alert names: enough to begin a search, short enough for a messenger.
const SAMPLES_MAX: usize = 10;

/// A queue with a reason. Each is counted separately.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Subject {
    vhost: Str,
    queue: Str,
    reason: Str,
}

/// Whether the alert was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Not yet.
    No,
    /// By this process or, before a restart, by an earlier one.
    Yes,
}

#[derive(Debug)]
struct Firing {
    since: Timestamp,
    peak: u64,
    /// The time at which the count fell below the threshold. It has stayed there since.
    below_since: Option<Timestamp>,
    told: Told,
}

#[derive(Debug)]
struct Watch {
    window: Window,
    last_at: Timestamp,
    firing: Option<Firing>,
    orders: VecDeque<Str>,
    events: VecDeque<Seq>,
}

/// The detector of one rule.
#[derive(Debug)]
pub(super) struct SpikeDetector {
    rule: SpikeRule,
    watched: HashMap<Subject, Watch>,
    /// The newest time seen.
    now: Timestamp,
    /// Alerts that ended since the last tick: those to report, and those that were never reported.
    over: Vec<Transition>,
}

/// An alert that began or ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transition {
    pub(super) alert: Alert,
    /// Whether to report it.
    pub(super) tell: bool,
}

impl SpikeDetector {
    pub(super) fn new(rule: SpikeRule) -> Self {
        SpikeDetector { rule, watched: HashMap::new(), now: Timestamp::default(), over: Vec::new() }
    }

    /// Forgets everything but the rule.
    pub(super) fn begin(&mut self) {
        *self = SpikeDetector::new(self.rule.clone());
    }

    /// Takes a committed event, in the order of the journal.
    pub(super) fn apply(&mut self, event: &Event) {
        let Some(death) = event.death.as_ref().filter(|_| event.kind == Kind::DeadLetter) else { return };
        let reasons = &self.rule.reasons;
        let reason_matches = reasons.is_empty() || reasons.iter().any(|reason| **reason == *death.reason);
        if !reason_matches || !self.rule.queues.is_match(&death.queue) {
            return;
        }
        self.now = self.now.max(event.at);
        let at = self.now;
        let vhost = event.vhost.clone().unwrap_or_else(|| "".into());
        let subject = Subject { vhost, queue: death.queue.clone(), reason: death.reason.clone() };
        if !self.watched.contains_key(&subject) && self.watched.len() >= WATCHED_MAX {
            self.evict();
        }
        let window = self.rule.window;
        let watch = self.watched.entry(subject.clone()).or_insert_with(|| Watch {
            window: Window::new(window),
            last_at: at,
            firing: None,
            orders: VecDeque::new(),
            events: VecDeque::new(),
        });
        self.over.extend(watch.advance(&self.rule, &subject, at));
        watch.take(&self.rule, event, at);
    }

    /// The alerts that began or ended until `now`. An alert that began and ended since the last tick is not reported.
    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Transition> {
        self.now = self.now.max(now);
        let mut transitions = std::mem::take(&mut self.over);
        for (subject, watch) in &mut self.watched {
            transitions.extend(watch.advance(&self.rule, subject, self.now));
            let Some(firing) = watch.firing.as_mut().filter(|firing| firing.told == Told::No) else { continue };
            firing.told = Told::Yes;
            // If the count is below the threshold already, only the alert's end is reported. The alert began before
            // this process.
            let tell = firing.below_since.is_none();
            transitions.extend(watch.view(&self.rule, subject).map(|alert| Transition { alert, tell }));
        }
        self.watched.retain(|_, watch| watch.firing.is_some() || watch.window.total() > 0);
        transitions.sort_by(|a, b| (&a.alert.since, &a.alert.id).cmp(&(&b.alert.since, &b.alert.id)));
        transitions
    }

    /// The alerts that fire as of the last tick or event.
    pub(super) fn firing(&self) -> impl Iterator<Item = Alert> {
        self.watched.iter().filter_map(|(subject, watch)| watch.view(&self.rule, subject))
    }

    fn evict(&mut self) {
        let idle = self
            .watched
            .iter()
            .min_by_key(|(subject, watch)| (watch.firing.is_some(), watch.last_at, (*subject).clone()));
        if let Some(subject) = idle.map(|(subject, _)| subject.clone()) {
            tracing::debug!(rule = %self.rule.name, queue = %subject.queue, "alert.watch_evicted");
            self.watched.remove(&subject);
        }
    }
}

impl Watch {
    /// Moves the window to `now`. Returns the alert that ended on the way.
    fn advance(&mut self, rule: &SpikeRule, subject: &Subject, now: Timestamp) -> Option<Transition> {
        while let Some(left_at) = self.window.expire(now) {
            if let Some(firing) = &mut self.firing
                && firing.below_since.is_none()
                && self.window.total() < rule.threshold
            {
                firing.below_since = Some(left_at);
            }
        }
        let over_at = self.firing.as_ref()?.below_since?.after(rule.resolve_after);
        if over_at > now {
            return None;
        }
        let mut alert = self.view(rule, subject)?;
        alert.state = AlertState::Resolved;
        alert.resolved_at = Some(over_at);
        let told = self.firing.take()?.told;
        self.orders.clear();
        self.events.clear();
        Some(Transition { alert, tell: told == Told::Yes })
    }

    fn take(&mut self, rule: &SpikeRule, event: &Event, at: Timestamp) {
        self.window.add(at);
        self.last_at = at;
        if let Some(order) = &event.order_id {
            self.orders.retain(|known| known != order);
            keep_newest(&mut self.orders, order.clone());
        }
        keep_newest(&mut self.events, event.seq);
        let total = self.window.total();
        match &mut self.firing {
            Some(firing) => {
                firing.peak = firing.peak.max(total);
                if total >= rule.threshold {
                    firing.below_since = None;
                }
            }
            None if total >= rule.threshold => {
                self.firing = Some(Firing { since: at, peak: total, below_since: None, told: Told::No });
            }
            None => {}
        }
    }

    fn view(&self, rule: &SpikeRule, subject: &Subject) -> Option<Alert> {
        let firing = self.firing.as_ref()?;
        let Subject { vhost, queue, reason } = subject;
        Some(Alert {
            id: id(&rule.name, subject, firing.since),
            rule: rule.name.clone(),
            state: AlertState::Firing,
            vhost: vhost.clone(),
            queue: queue.clone(),
            reason: reason.clone(),
            count: firing.peak,
            threshold: rule.threshold,
            window: rule.window,
            since: firing.since,
            resolved_at: None,
            orders: self.orders.iter().rev().cloned().collect(),
            events: self.events.iter().rev().copied().collect(),
        })
    }
}

fn keep_newest<T>(samples: &mut VecDeque<T>, newest: T) {
    samples.push_back(newest);
    if samples.len() > SAMPLES_MAX {
        samples.pop_front();
    }
}

/// The id of an alert. The same incident gets the same id, at any time and on any machine.
fn id(rule: &str, subject: &Subject, since: Timestamp) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in [rule, &subject.vhost, &subject.queue, &subject.reason] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.update(&since.as_micros().to_le_bytes());
    hasher.finalize().to_hex().chars().take(32).collect()
}

#[cfg(test)]
mod tests;
