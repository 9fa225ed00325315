//! The long run: one journal written at full speed to its full length.
//!
//! Only the time inside `append` counts as the journal's. Events are made between the commits, when the journal's
//! background work may go on for nothing; therefore its processor time is told as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use hoptrail::journal::{Reader, Writer};

use super::figures::{self, Usage, percentile_ms, thread_cpu};
use super::load::{Load, START_MICROS};
use super::look::trail;
use super::{Settings, plain};

/// Between two look-ups of the thread that reads during writes.
const LOOK_UP_EVERY: Duration = Duration::from_millis(10);
/// How often memory is looked at.
const SAMPLES: u64 = 20;

/// What the long run took.
pub struct Long {
    pub events_per_s: f64,
    pub wall_events_per_s: f64,
    /// As if the background's processor time had all stood in the way of the commits.
    pub serial_events_per_s: f64,
    pub commit_ms: [f64; 3],
    pub rss_mb: f64,
    pub rss_mb_at_quarter: f64,
    pub rss_mb_at_end: f64,
    pub raw_bytes: u64,
    pub disk_bytes: u64,
    pub busy_trail_ms_p99: f64,
    pub close_ms: f64,
}

pub fn run(settings: &Settings) -> (Long, Load) {
    let dir = settings.journal();
    let (mut writer, reader, _) = Writer::open(&dir).unwrap();
    let mut load = Load::new(settings.events, START_MICROS, "JW");
    let (mut events, mut buffer, mut raw_bytes) = (Vec::new(), Vec::new(), 0);
    let mut commits = Vec::with_capacity((settings.events / settings.commit) as usize + 1);
    let mut samples = Vec::new();
    let mut looker = None;
    let (started, cpu_before) = (hoptrail::clock::instant(), Usage::now().cpu.saturating_sub(thread_cpu()));
    println!(
        "\n{} events:\n  {:>10} {:>12} {:>9} {:>10} {:>9}",
        settings.events, "events", "events/s", "RSS MB", "peak MB", "disk MB"
    );
    let (mut done, mut since, mut done_then) = (0, 0, 0);
    while done < settings.events {
        load.fill(&mut events, (settings.events - done).min(settings.commit));
        done += events.len() as u64;
        for event in &events {
            plain::value(event, &mut buffer);
            raw_bytes += buffer.len() as u64;
        }
        let before = hoptrail::clock::instant();
        writer.append(&mut events, &[]).unwrap();
        commits.push(before.elapsed());
        if done * SAMPLES / settings.events > samples.len() as u64 {
            let usage = Usage::now();
            let part: Duration = commits[since..].iter().sum();
            let rate = (done - done_then) as f64 / part.as_secs_f64();
            (since, done_then) = (commits.len(), done);
            let disk = figures::disk_bytes(&dir) / 1_000_000;
            println!("  {done:>10} {rate:>12.0} {:>9.0} {:>10.0} {disk:>9}", usage.rss_mb, usage.peak_mb);
            samples.push(usage.rss_mb);
        }
        if looker.is_none() && done * 10 >= settings.events * 9 {
            looker = Some(Looker::start(&load, reader.clone()));
        }
    }
    let wall = started.elapsed();
    let (mut looked, looker_cpu) = looker.map(Looker::stop).unwrap_or_default();
    let usage = Usage::now();
    let background = usage.cpu.saturating_sub(thread_cpu()).saturating_sub(cpu_before).saturating_sub(looker_cpu);
    let closing = hoptrail::clock::instant();
    drop((writer, reader));
    let close_ms = figures::ms(closing.elapsed());
    let (count, total) = (settings.events as f64, commits.iter().sum::<Duration>().as_secs_f64());
    let long = Long {
        events_per_s: count / total,
        wall_events_per_s: count / wall.as_secs_f64(),
        serial_events_per_s: count / (total + background.as_secs_f64()),
        commit_ms: [0.5, 0.99, 1.0].map(|part| percentile_ms(&mut commits, part)),
        rss_mb: usage.peak_mb,
        rss_mb_at_quarter: samples.get(samples.len() / 4 - 1).copied().unwrap_or(0.0),
        rss_mb_at_end: samples.last().copied().unwrap_or(0.0),
        raw_bytes,
        disk_bytes: figures::disk_bytes(&dir),
        busy_trail_ms_p99: percentile_ms(&mut looked, 0.99),
        close_ms,
    };
    long.print(background);
    (long, load)
}

impl Long {
    fn print(&self, background: Duration) {
        let [p50, p99, max] = self.commit_ms;
        println!(
            "  in commits         {:>10.0} events/s; with the making of the events {:.0}",
            self.events_per_s, self.wall_events_per_s
        );
        println!(
            "  background         {:>10.1} s of processor time; none of it for free: {:.0} events/s",
            background.as_secs_f64(),
            self.serial_events_per_s
        );
        println!("  a commit           {p50:>10.1} ms p50, {p99:.1} p99, {max:.1} at most");
        println!("  memory             {:>10.0} MB at most", self.rss_mb);
        println!(
            "  disk / raw         {:>10.3} ({} of {} MB)",
            self.ratio(),
            self.disk_bytes / 1_000_000,
            self.raw_bytes / 1_000_000
        );
        println!("  trails meanwhile   {:>10.2} ms p99", self.busy_trail_ms_p99);
        println!("  closing            {:>10.0} ms", self.close_ms);
    }

    pub fn ratio(&self) -> f64 {
        self.disk_bytes as f64 / self.raw_bytes as f64
    }
}

/// A thread that looks up trails while events are written.
struct Looker {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<Duration>, Duration)>,
}

impl Looker {
    fn start(load: &Load, reader: Reader) -> Looker {
        let orders: Vec<_> =
            load.finished(2000).into_iter().map(|(order, count)| (load.order_id(order), count)).collect();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        let thread = std::thread::spawn(move || {
            let mut took = Vec::new();
            for (order, count) in orders.into_iter().cycle() {
                if stop.load(Relaxed) {
                    break;
                }
                let started = hoptrail::clock::instant();
                let found = trail(&reader, &order);
                took.push(started.elapsed());
                assert!(found >= count, "{order}: {found} of {count} events found during writes");
                std::thread::sleep(LOOK_UP_EVERY);
            }
            (took, thread_cpu())
        });
        Looker { stopped, thread }
    }

    fn stop(self) -> (Vec<Duration>, Duration) {
        self.stopped.store(true, Relaxed);
        self.thread.join().unwrap()
    }
}
