//! The journal at full speed and full length, beside the obvious use of sled and beside fjall.
//!
//! ```text
//! cargo bench --bench journal [-- --events 20000000 --peer-events 300000 --rounds 3 --commit 4096 --dir /var/tmp]
//! ```
//!
//! In this order: rounds of the three stores in turn, each in a process of its own; the long run of `--events` events;
//! reopening after a `kill -9`; trails warm, messages, a scan, trails cold; thirty days. `--rounds 0` leaves the other stores out;
//! `--dir` is to be on the disk that is meant (by default it is the build's directory).
//! The last line is `RESULT {json}`. What is found is checked against what was generated.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench ends at the first thing that fails")]

mod days;
mod figures;
mod load;
mod long;
mod look;
mod messages;
mod peers;
mod plain;

use std::path::PathBuf;

use serde_json::json;

/// The command line.
pub struct Settings {
    events: u64,
    peer_events: u64,
    rounds: u64,
    commit: u64,
    dir: PathBuf,
}

impl Settings {
    fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// The command line of a process that plays a part of the bench.
    fn arguments(&self, part: &str) -> Vec<String> {
        let numbers = [
            ("--events", self.events),
            ("--peer-events", self.peer_events),
            ("--rounds", self.rounds),
            ("--commit", self.commit),
        ];
        let numbers = numbers.iter().flat_map(|(flag, number)| [(*flag).to_owned(), number.to_string()]);
        let dir = ["--dir".to_owned(), self.dir.to_str().unwrap().to_owned()];
        let part = ["--part".to_owned(), part.to_owned()];
        numbers.chain(dir).chain(part).collect()
    }
}

/// The text after a flag on the command line.
fn argument(flag: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != flag).nth(1)
}

fn main() {
    let number = |flag: &str, default: u64| argument(flag).map_or(default, |text| text.parse().unwrap());
    let mut settings = Settings {
        events: number("--events", 2_000_000),
        peer_events: number("--peer-events", 300_000),
        rounds: number("--rounds", 3),
        commit: number("--commit", 4096),
        dir: argument("--dir").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from),
    };
    match argument("--part").as_deref() {
        Some("round") => peers::round(&argument("--store").unwrap(), &settings),
        Some("tail") => look::tail(&settings),
        _ => {
            // Removed when it is dropped, also by a panic.
            let dir = tempfile::tempdir_in(&settings.dir).unwrap();
            settings.dir = dir.path().to_owned();
            bench(&settings);
        }
    }
}

fn bench(settings: &Settings) {
    let [sled, fjall, hoptrail] = peers::rounds(settings);
    let ratio = |peer: &peers::Round| hoptrail.events_per_s / peer.events_per_s;
    if settings.rounds > 0 {
        println!("  medians: {:.1} times the obvious use of sled, {:.2} times fjall", ratio(&sled), ratio(&fjall));
    }
    let (long, load) = long::run(settings);
    let looks = look::run(settings, &load);
    let days = days::run(settings);
    let rounded =
        |figure: f64| if figure.is_finite() { json!((figure * 1000.0).round() / 1000.0) } else { json!(null) };
    let result = json!({
        "events_per_s": long.events_per_s.round(),
        "vs_naive_sled": rounded(ratio(&sled)),
        "vs_fjall": rounded(ratio(&fjall)),
        "bytes_ratio": rounded(long.ratio()),
        "rss_mb": rounded(long.rss_mb),
        "commit_ms_p99": rounded(long.commit_ms[1]),
        "reopen_ms": rounded(looks.reopen_ms),
        "trail_ms_p50": rounded(looks.trail_ms[0]),
        "trail_ms_p99": rounded(looks.trail_ms[1]),
        "scan_events_per_s": looks.scan_events_per_s.round(),
        "trail_cold_ms_p50": rounded(looks.trail_cold_ms[0]),
        "trail_cold_ms_p99": rounded(looks.trail_cold_ms[1]),
        "trail_cold_is_cold": looks.cold,
        "trail_busy_ms_p99": rounded(long.busy_trail_ms_p99),
        "message_ms_p99": rounded(looks.message_ms[1]),
        "reopen_cold_ms": rounded(looks.reopen_cold_ms),
        "reopen_30_days_ms": rounded(days.reopen_ms),
        "trail_30_days_ms": rounded(days.trail_ms),
        "commit_ms_p50": rounded(long.commit_ms[0]),
        "commit_ms_max": rounded(long.commit_ms[2]),
        "rss_mb_at_quarter": rounded(long.rss_mb_at_quarter),
        "rss_mb_at_end": rounded(long.rss_mb_at_end),
        "wall_events_per_s": long.wall_events_per_s.round(),
        "serial_events_per_s": long.serial_events_per_s.round(),
        "close_ms": rounded(long.close_ms),
        "events": settings.events,
        "orders": load.orders(),
        "raw_bytes": long.raw_bytes,
        "disk_bytes": long.disk_bytes,
        "sled_events_per_s": sled.events_per_s.round(),
        "fjall_events_per_s": fjall.events_per_s.round(),
        "round_events_per_s": hoptrail.events_per_s.round(),
    });
    println!("RESULT {result}");
}
