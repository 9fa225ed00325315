//! What hoptrail has recorded of its proxy, beside what the clients did.

use std::time::{Duration, Instant};

use crate::support::Hoptrail;
use crate::workload::{Acks, Workload};

/// The kinds of events that are counted.
const KINDS: [&str; 4] = ["publish", "confirm", "deliver", "settle"];
/// If for so long nothing more is recorded, nothing will be.
const STILL_MAX: Duration = Duration::from_secs(10);

/// Events, by kind.
pub type Counts = [u64; KINDS.len()];

/// What a round does.
pub fn counts(workload: &Workload, messages: u64) -> Counts {
    // A delivery that nobody has to acknowledge is settled by being delivered.
    let acknowledged = if workload.acks == Acks::None { 0 } else { messages };
    [messages, acknowledged, messages, acknowledged]
}

pub struct Recorded {
    /// What was recorded before the first round.
    before: Counts,
    gaps_before: u64,
    expected: Counts,
    /// Of those, what was given up: later rounds do not wait for it again.
    missing: Counts,
    /// The longest that recording took after the end of a round.
    pub lag_max: Duration,
}

impl Recorded {
    pub fn begin(hoptrail: &Hoptrail) -> Recorded {
        let metrics = hoptrail.get("/metrics");
        let (before, gaps_before) = (read(&metrics), gaps(&metrics));
        Recorded { before, gaps_before, expected: [0; KINDS.len()], missing: [0; KINDS.len()], lag_max: Duration::ZERO }
    }

    /// Clients did this just now: waits until it is recorded, and says how long that took.
    pub fn expect(&mut self, hoptrail: &Hoptrail, did: Counts, ended: Instant) -> Duration {
        self.expected.iter_mut().zip(did).for_each(|(expected, did)| *expected += did);
        let mut progress = (0, hoptrail::clock::instant());
        loop {
            let recorded = self.recorded(hoptrail);
            let now = hoptrail::clock::instant();
            let sum: u64 = recorded.iter().sum();
            let missing = |kind: usize| self.expected[kind].saturating_sub(recorded[kind]);
            let missing: Counts = std::array::from_fn(missing);
            if missing.iter().zip(self.missing).all(|(missing, before)| *missing <= before) {
                break;
            }
            if sum > progress.0 {
                progress = (sum, now);
            } else if now - progress.1 > STILL_MAX {
                println!("    NOT ALL IS RECORDED: {}", self.table(hoptrail));
                self.missing = missing;
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let lag = ended.elapsed();
        self.lag_max = self.lag_max.max(lag);
        lag
    }

    fn recorded(&self, hoptrail: &Hoptrail) -> Counts {
        let mut recorded = read(&hoptrail.get("/metrics"));
        recorded.iter_mut().zip(self.before).for_each(|(recorded, before)| *recorded -= before);
        recorded
    }

    /// All that was recorded, and all that was expected.
    pub fn sums(&self, hoptrail: &Hoptrail) -> [u64; 2] {
        [self.recorded(hoptrail).iter().sum(), self.expected.iter().sum()]
    }

    /// Whether each kind was recorded as often as it happened, and no gap beside them.
    pub fn is_exact(&self, hoptrail: &Hoptrail) -> bool {
        self.recorded(hoptrail) == self.expected && self.gaps(hoptrail) == 0
    }

    pub fn gaps(&self, hoptrail: &Hoptrail) -> u64 {
        gaps(&hoptrail.get("/metrics")) - self.gaps_before
    }

    /// By kind: recorded of expected.
    pub fn table(&self, hoptrail: &Hoptrail) -> String {
        let kinds = KINDS.iter().zip(self.recorded(hoptrail)).zip(self.expected);
        let texts: Vec<String> =
            kinds.map(|((kind, recorded), expected)| format!("{kind} {recorded} of {expected}")).collect();
        format!("{}; {} gaps", texts.join(", "), self.gaps(hoptrail))
    }
}

fn read(metrics: &str) -> Counts {
    KINDS.map(|kind| sum(metrics, &[r#"source="proxy""#, &format!("kind=\"{kind}\"")]))
}

fn gaps(metrics: &str) -> u64 {
    sum(metrics, &[r#"kind="gap""#])
}

/// The sum of the counters that have these labels.
fn sum(metrics: &str, labels: &[&str]) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("hoptrail_events_recorded_total{"));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}
