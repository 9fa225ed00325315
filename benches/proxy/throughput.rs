//! Rounds of a workload on all ways in turn, and what is told of them.

use serde_json::{Value, json};

use crate::figures::{median, rounded};
use crate::round::{self, Round};
use crate::workload::Workload;
use crate::world::{Way, World};

/// With the firehose on, a round has this part of the messages.
const FIREHOSE_PART: u64 = 3;

/// The rounds of a workload.
pub struct Throughput {
    /// In each the ways in the order of `Way::ALL`.
    rounds: Vec<[Round; Way::ALL.len()]>,
}

/// Plays so many rounds.
pub fn run(world: &mut World, workload: &Workload, rounds: usize, messages: u64) -> Throughput {
    let each = workload.messages_each(messages);
    let sent = each * workload.connections;
    println!(
        "{}: {sent} messages of {} bytes, {} connections",
        workload.name, workload.body_bytes, workload.connections
    );
    let rounds = (0..rounds).map(|number| {
        // Each round begins with another way, so that none always follows the same.
        let mut played = Way::ALL.map(|_| None);
        for turn in 0..played.len() {
            let index = (number + turn) % played.len();
            let way = Way::ALL[index];
            // The firehose is several times slower, and its traces wait in the broker's memory.
            let each = if way == Way::Firehose { (each / FIREHOSE_PART).max(1) } else { each };
            played[index] = Some(round::run(world, way, workload, each, None));
        }
        let played = played.map(Option::unwrap);
        let texts = Way::ALL.iter().zip(&played).map(|(way, round)| format!("{} {:.0}/s", way.name(), round.per_s));
        println!("  round {}: {}", number + 1, texts.collect::<Vec<_>>().join(", "));
        played
    });
    let throughput = Throughput { rounds: rounds.collect() };
    throughput.print();
    throughput
}

impl Throughput {
    fn over_rounds(&self, way: Way, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| figure(&round[way as usize])))
    }

    /// Messages a second.
    pub fn per_s(&self, way: Way) -> f64 {
        self.over_rounds(way, |round| round.per_s)
    }

    /// The median of what the rounds give, so that what slows a whole round does not count.
    pub fn ratio(&self, way: Way, to: Way) -> f64 {
        median(self.rounds.iter().map(|round| round[way as usize].per_s / round[to as usize].per_s))
    }

    fn print(&self) {
        println!("  {:9} {:>9} {:>9}   processor seconds a round: broker, between, clients", "", "per s", "to direct");
        for way in Way::ALL {
            let cpu = [0, 1, 2].map(|index| self.over_rounds(way, |round| round.cpu[index]));
            let lag = self.over_rounds(way, |round| round.lag.as_secs_f64());
            let lag = if lag > 0.0 { format!("; {lag:.2} s to catch up") } else { String::new() };
            let [broker, between, clients] = cpu;
            println!(
                "  {:9} {:9.0} {:9.3}   {broker:.2}, {between:.2}, {clients:.2}{lag}",
                way.name(),
                self.per_s(way),
                self.ratio(way, Way::Direct)
            );
        }
        println!("  hoptrail to haproxy: {:.3}", self.ratio(Way::Hoptrail, Way::Haproxy));
    }

    pub fn json(&self) -> Value {
        let mut json = json!({
            "throughput_vs_direct": rounded(self.ratio(Way::Hoptrail, Way::Direct)),
            "throughput_vs_haproxy": rounded(self.ratio(Way::Hoptrail, Way::Haproxy)),
            "throughput_vs_firehose": rounded(self.ratio(Way::Hoptrail, Way::Firehose)),
            "haproxy_vs_direct": rounded(self.ratio(Way::Haproxy, Way::Direct)),
            "firehose_vs_direct": rounded(self.ratio(Way::Firehose, Way::Direct)),
        });
        for way in Way::ALL {
            json[format!("{}_per_s", way.name())] = json!(self.per_s(way).round());
            json[format!("{}_cpu_s", way.name())] =
                json!([0, 1, 2].map(|index| rounded(self.over_rounds(way, |round| round.cpu[index]))));
        }
        json
    }
}
