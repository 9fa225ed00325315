//! Keeping: lets the journal's keeper do its due work, at a limited rate, and records that work.

use std::collections::VecDeque;
use std::time::Duration;

use bytesize::ByteSize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock;
use crate::config;
use crate::journal::{Change, Hole, Keeper, Policy, Rule, What};
use crate::model::{Event, Source};

use super::observation::Observation;
use super::recorder::Recorder;

/// The time between two looks for due work. It is so short that a disk does not fill up in between.
const EVERY: Duration = Duration::from_secs(5);

/// The keeper with all it needs to run.
pub struct Keeping {
    keeper: Keeper,
    recorder: Recorder,
    /// The limit of the rate, in bytes a second.
    rate: u64,
    /// Events to be recorded when there is room: at most a few for each former partition. The keeper makes room on the
    /// disk, so it must not wait for a writer that waits for room.
    untold: VecDeque<Event>,
}

impl Keeping {
    pub(super) fn new(keeper: Keeper, recorder: Recorder, rate: u64) -> Self {
        Keeping { keeper, recorder, rate: rate.max(1), untold: VecDeque::new() }
    }

    /// Runs until cancelled; blocks its thread. After a panic it can run again.
    pub fn run(&mut self, runtime: &Handle, cancel: &CancellationToken) {
        let wait = |time: Duration| {
            let waited = async { tokio::time::sleep(time).await };
            runtime.block_on(cancel.run_until_cancelled(waited)).is_some()
        };
        let idle = || {
            // A cancellation ends the loop.
            wait(EVERY);
        };
        let rate = self.rate;
        while !cancel.is_cancelled() {
            let mut pause = |bytes: u64| wait(Duration::from_secs_f64(bytes as f64 / rate as f64));
            match self.keeper.tend(clock::now(), &mut pause) {
                Ok(Some(change)) => self.untold.extend(change_events(&change)),
                Ok(None) => idle(),
                Err(_) if cancel.is_cancelled() => {}
                Err(error) => {
                    warn!(%error, "the journal could not be tidied; it is tried again");
                    idle();
                }
            }
            self.tell();
        }
    }

    fn tell(&mut self) {
        while let Some(event) = self.untold.pop_front() {
            if let Err(back) = self.recorder.try_record(Box::new(Observation::new(event))) {
                self.untold.push_front(back.event);
                return;
            }
        }
    }
}

/// The retention policy of the settings.
#[must_use]
pub fn policy(retention: &config::Retention) -> Policy {
    let rule = |rule: &config::RetentionRule| Rule {
        kind: rule.kind,
        exchange: rule.exchange.clone(),
        service: rule.service.clone(),
        keep: rule.keep,
    };
    Policy {
        hot: retention.hot,
        warm: retention.warm,
        cold: retention.cold,
        max_bytes: retention.max_bytes,
        high_water: retention.high_water,
        rules: retention.rules.iter().map(rule).collect(),
    }
}

/// The events that record a change.
#[must_use]
pub fn change_events(change: &Change) -> Vec<Event> {
    let (name, what) = match &change.what {
        What::MovedDown(tier) => ("journal.moved_down", format!("is {tier} now")),
        What::Removed(cause) => ("journal.removed", format!("was removed ({})", cause.words())),
        What::Compacted => ("journal.compacted", "was compacted".to_owned()),
        What::Salvaged { dir, salvaged, .. } => (
            "journal.salvaged",
            format!("was damaged and lies now in {}; {salvaged} of its events could be saved", dir.display()),
        ),
    };
    let (first, last) = change.seqs;
    let detail = format!(
        "partition {} (seq {first} to {last}, {} to {}) {what}; {} freed",
        change.partition,
        change.times.0,
        change.times.1,
        ByteSize(change.bytes_freed)
    );
    info!(change = name, "{detail}");
    let event = Event::change(name, detail, clock::now());
    let lost: &[Hole] = if let What::Salvaged { lost, .. } = &change.what { lost } else { &[] };
    let cause = format!("partition {} of the journal was damaged", change.partition);
    std::iter::once(event).chain(gaps(lost, &cause)).collect()
}

/// Holes of one damaged partition that get a gap event each. One more gap event covers all the others.
const HOLES_MAX: usize = 100;

/// Gap events for the lost events.
pub(super) fn gaps(lost: &[Hole], cause: &str) -> Vec<Event> {
    let (single, rest) = lost.split_at(lost.len().min(HOLES_MAX));
    let mut events: Vec<Event> = single.iter().map(|hole| gap(hole, hole.len(), cause)).collect();
    if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
        let span = Hole { seqs: *first.seqs.start()..=*last.seqs.end(), from: first.from, to: last.to };
        events.push(gap(&span, rest.iter().map(Hole::len).sum(), cause));
    }
    events
}

fn gap(hole: &Hole, count: u64, cause: &str) -> Event {
    let cause = format!("{cause}; of seq {} to {}, {count} are missing", hole.seqs.start(), hole.seqs.end());
    Event { at: clock::now(), ..Event::gap(Source::Hoptrail, (hole.from, hole.to), Some(count), cause) }
}
