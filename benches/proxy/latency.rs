//! What a way adds to the time from publish to delivery, at half of what the broker takes without anything between.

use serde_json::{Value, json};

use crate::figures::{median, percentile, rounded};
use crate::round;
use crate::workload::Workload;
use crate::world::{Way, World};

const WAYS: [Way; 3] = [Way::Direct, Way::Haproxy, Way::Hoptrail];
const PARTS: [f64; 2] = [0.5, 0.99];

/// Percentiles in microseconds of the rounds.
pub struct Latency {
    rounds: Vec<[[f64; PARTS.len()]; WAYS.len()]>,
    per_s: f64,
}

/// Plays so many rounds of so many seconds.
pub fn run(world: &mut World, workload: &Workload, rounds: usize, seconds: f64, per_s: f64) -> Latency {
    let each = (per_s * seconds / workload.connections as f64) as u64;
    println!("{} at {per_s:.0}/s: microseconds from publish to delivery, p50 and p99", workload.name);
    let rounds = (0..rounds).map(|number| {
        let mut played = [[0.0; PARTS.len()]; WAYS.len()];
        for turn in 0..WAYS.len() {
            let index = (number + turn) % WAYS.len();
            let round = round::run(world, WAYS[index], workload, each, Some(per_s));
            // A publisher that falls behind would measure another load.
            let kept = round.per_s / per_s;
            if kept < 0.95 {
                println!("    {} ran at {kept:.2} of the pace", WAYS[index].name());
            }
            played[index] = PARTS.map(|part| percentile(&round.latencies, part));
        }
        let texts = WAYS.iter().zip(&played).map(|(way, [p50, p99])| format!("{} {p50:.0} {p99:.0}", way.name()));
        println!("  round {}: {}", number + 1, texts.collect::<Vec<_>>().join(", "));
        played
    });
    let latency = Latency { rounds: rounds.collect(), per_s };
    for way in &WAYS[1..] {
        let [p50, p99] = latency.added(*way);
        println!("  {} adds {p50:.0} and {p99:.0}", way.name());
    }
    latency
}

impl Latency {
    fn of(&self, way: Way) -> usize {
        WAYS.iter().position(|one| *one == way).unwrap()
    }

    /// What a way adds to the percentiles of the direct one: the median over the rounds.
    pub fn added(&self, way: Way) -> [f64; PARTS.len()] {
        let (way, direct) = (self.of(way), self.of(Way::Direct));
        [0, 1].map(|part| median(self.rounds.iter().map(|round| round[way][part] - round[direct][part])))
    }

    pub fn json(&self) -> Value {
        let mut json = json!({ "per_s": self.per_s.round() });
        for way in WAYS {
            let index = self.of(way);
            let figures = [0, 1].map(|part| rounded(median(self.rounds.iter().map(|round| round[index][part]))));
            json[format!("{}_us_p50_p99", way.name())] = json!(figures);
            json[format!("{}_added_us_p50_p99", way.name())] = json!(self.added(way).map(rounded));
        }
        json
    }
}
