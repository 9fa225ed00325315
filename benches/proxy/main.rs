//! What a proxy costs, on a real broker: the same publishers and consumers direct, through HAProxy, through hoptrail's
//! proxy with recording on, and direct with the broker's firehose on.
//!
//! ```text
//! cargo bench --bench proxy [-- --rounds 5 --messages 100000 --cycles 5000 --only WORKLOAD --quick --broker 3.10|4.0]
//! ```
//!
//! In this order: rounds of each workload, the ways in turn; latency at half of the direct throughput of the first; sessions
//! that come and go. After each round through hoptrail the bench waits until it is recorded what the clients did. Clients are
//! threads of this process that send prepared bytes and count what comes: two for each pair of connections, and no library,
//! so that what is measured is the way. Needs HAProxy (Debian's package `haproxy`).
//!
//! The last line is `RESULT {json}`. Ratios are medians over the rounds of the ratio within a round. Figures at the top
//! level are those of the first workload; the others stand under `workloads`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench ends at the first thing that fails")]

mod body;
mod client;
mod consume;
mod cycles;
mod figures;
mod frames;
mod haproxy;
mod latency;
mod orders;
mod publish;
mod recorded;
mod round;
#[path = "../support/mod.rs"]
mod support;
mod throughput;
mod workload;
mod world;

use serde_json::{Value, json};

use crate::figures::{resident_mb, rounded, threads};
use crate::support::argument;
use crate::workload::{WORKLOADS, Workload};
use crate::world::{Way, World};

/// The command line.
struct Settings {
    rounds: usize,
    messages: u64,
    cycles: u64,
    latency_seconds: f64,
    workloads: Vec<&'static Workload>,
}

impl Settings {
    fn read() -> Settings {
        let number = |flag: &str, default: u64| argument(flag).map_or(default, |text| text.parse().unwrap());
        let quick = std::env::args().any(|argument| argument == "--quick");
        let [rounds, messages, cycles] = if quick { [1, 20_000, 500] } else { [5, 100_000, 5000] };
        let only = argument("--only");
        let chosen = |workload: &&Workload| only.as_deref().is_none_or(|only| only == workload.name);
        let workloads: Vec<&Workload> = WORKLOADS.iter().filter(chosen).collect();
        let names = WORKLOADS.map(|workload| workload.name).join(", ");
        assert!(!workloads.is_empty(), "--only: no such workload; there are {names}");
        Settings {
            rounds: usize::try_from(number("--rounds", rounds).max(1)).unwrap(),
            messages: number("--messages", messages),
            cycles: number("--cycles", cycles),
            latency_seconds: if quick { 2.0 } else { 5.0 },
            workloads,
        }
    }
}

fn main() {
    hoptrail::web::install_tls();
    let settings = Settings::read();
    let mut world = World::start(&argument("--broker").unwrap_or_else(|| "3.10".into()));
    println!("RabbitMQ {}", world.version());
    // What is done for the first time is slower, on every way.
    for way in Way::ALL {
        round::run(&mut world, way, &WORKLOADS[0], 5000, None);
    }
    let mut workloads = json!({});
    let mut first = None;
    for workload in &settings.workloads {
        let throughput = throughput::run(&mut world, workload, settings.rounds, settings.messages);
        workloads[workload.name] = throughput.json();
        first.get_or_insert(throughput);
    }
    let first = first.unwrap();
    let half = first.per_s(Way::Direct) / 2.0;
    let latency = latency::run(&mut world, settings.workloads[0], settings.rounds, settings.latency_seconds, half);
    let cycles = cycles::run(&mut world, settings.cycles);
    let result = result(&world, &settings, &first, &latency, &cycles, &workloads);
    println!("recorded: {}", world.recorded.table(&world.hoptrail));
    let threads = threads(world.hoptrail.pid()).into_iter().filter(|(_, seconds)| *seconds >= 0.01);
    let threads: Vec<String> = threads.map(|(name, seconds)| format!("{name} {seconds:.2}")).collect();
    println!("hoptrail's threads, processor seconds: {}", threads.join(", "));
    println!("RESULT {result}");
    assert!(world.recorded.is_exact(&world.hoptrail), "not everything was recorded, or something twice");
}

fn result(
    world: &World,
    settings: &Settings,
    first: &throughput::Throughput,
    latency: &latency::Latency,
    cycles: &cycles::Cycles,
    workloads: &Value,
) -> Value {
    let [added_p50, added_p99] = latency.added(Way::Hoptrail);
    let [recorded, expected] = world.recorded.sums(&world.hoptrail);
    json!({
        "throughput_vs_direct": rounded(first.ratio(Way::Hoptrail, Way::Direct)),
        "throughput_vs_haproxy": rounded(first.ratio(Way::Hoptrail, Way::Haproxy)),
        "firehose_vs_direct": rounded(first.ratio(Way::Firehose, Way::Direct)),
        "added_us_p50": rounded(added_p50),
        "added_us_p99": rounded(added_p99),
        "rss_mb": rounded(resident_mb(world.hoptrail.pid())[1]),
        "recorded_events": recorded,
        "expected_events": expected,
        "throughput_vs_firehose": rounded(first.ratio(Way::Hoptrail, Way::Firehose)),
        "gaps": world.recorded.gaps(&world.hoptrail),
        "lag_s": rounded(world.recorded.lag_max.as_secs_f64()),
        "workload": settings.workloads[0].name,
        "latency": latency.json(),
        "cycles": cycles.json(),
        "workloads": workloads,
    })
}
