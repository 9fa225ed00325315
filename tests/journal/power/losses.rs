//! The power is lost, at many points and in many ways.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use super::check::{self, Promise};
use super::disk::Disk;
use super::image::Mode;
use super::points;
use super::recorder::{self, Before, Recording};
use super::trace::Op;
use super::workload::{self, JOURNAL, LIVES, SEED};
use crate::events::Events;
use crate::tree::Tree;
use hoptrail_tests::Rng;

/// Disks looked at for each point.
const MODES: [Mode; 6] =
    [Mode::Strict, Mode::Kept, Mode::Emptied, Mode::Random(0), Mode::Random(1), Mode::Journaled(0)];
/// Failures that are shown, and after which no more are looked for.
const SHOWN: usize = 5;
const FAILURES_MAX: usize = 20;
/// Two processes are killed at about these operations, before one comes to its end.
const KILLED_AT: [u64; 2] = [250, 600];

/// One possible disk.
type Loss = (usize, Mode);

#[test]
fn no_acknowledged_event_is_lost_with_the_power() {
    if let Some((recording, loss)) = asked_for() {
        return lose(&recording, &[loss]);
    }
    let recording = recording();
    let points = points::choose(&Disk::new(recording), workload::seed());
    lose(recording, &every_mode(&points));
}

#[test]
fn no_acknowledged_event_is_lost_when_the_power_is_lost_again_during_recovery() {
    let (disk, mut rng) = (Disk::new(recording()), Rng::new(&[workload::seed(), 2]));
    for number in 0..points::recordings() as u64 {
        let (point, mode) = (rng.below(disk.end as u64 + 1) as usize, Mode::Random(number));
        let tree = disk.image(point, mode, workload::seed());
        let Promise { held, acked, begun, tended } = Promise::at(&disk, point);
        let notes = [("begun", begun), ("acked", acked), ("opened", held), ("tended", tended)];
        let notes = notes.map(|(what, seq)| format!("{what} {seq}")).into();
        let begun = Recording::on(Before { tree, notes });
        let again = recorder::record(workload::NAME, begun, &[], &settings("1x3"));
        let points = points::choose_few(&Disk::new(&again), rng.next());
        lose(&again, &every_mode(&points));
    }
}

/// What was written and not synced when the process was killed is still there for the next one, and still not synced.
#[test]
fn no_acknowledged_event_is_lost_when_the_power_is_lost_after_a_kill_and_a_restart() {
    let disk = Disk::new(recording());
    for killed in points::kills(&disk, points::recordings(), workload::seed()) {
        let restarted = recorder::record(workload::NAME, recording().until(killed), &[], &settings("1x2"));
        let points = points::choose_soon(&Disk::new(&restarted), killed, workload::seed());
        lose(&restarted, &every_mode(&points));
    }
}

/// Two processes that are killed, then one that comes to its end.
fn recording() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    RECORDING.get_or_init(|| {
        let mut rng = Rng::new(&[workload::seed(), 3]);
        let kills = KILLED_AT.map(|about| about / 2 + rng.below(about));
        let recording = recorder::record(workload::NAME, Recording::on(Before::default()), &kills, &settings("2x12"));
        for (what, suffix) in [("indexed", ".run"), ("sealed", "/index"), ("rewritten", ".1"), ("removed", ".removed")]
        {
            let is_it = |op: &Op| matches!(op, Op::Rename { to, .. } if to.to_string_lossy().ends_with(suffix));
            assert!(recording.ops.iter().any(is_it), "no partition was {what}: the workload is too small");
        }
        recording
    })
}

fn settings(lives: &str) -> [(&'static str, String); 2] {
    [(SEED, workload::seed().to_string()), (LIVES, lives.to_owned())]
}

fn every_mode(points: &[usize]) -> Vec<Loss> {
    points.iter().flat_map(|point| MODES.map(|mode| (*point, mode))).collect()
}

/// Loses the power in all these ways. Disks that are the same are looked at once.
fn lose(recording: &Recording, losses: &[Loss]) {
    let (disk, seed) = (Disk::new(recording), workload::seed());
    let (next, seen, failures) = (AtomicUsize::new(0), Mutex::new(HashMap::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some((point, mode)) = losses.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            let (image, promise) = (disk.image(point, mode, seed), Promise::at(&disk, point));
            if seen.lock().expect("no panic").insert((image.hash(), promise), ()).is_none()
                && let Err(wrong) = survives(&image, promise)
            {
                let mut failures = failures.lock().expect("no panic");
                failures.push((point, mode, wrong));
                if failures.len() >= FAILURES_MAX {
                    next.store(losses.len(), Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let (failures, looked_at) = (failures.into_inner().expect("no panic"), seen.into_inner().expect("no panic").len());
    println!("{} operations, {} losses, {looked_at} different disks", disk.end, losses.len());
    assert!(looked_at > 0);
    if !failures.is_empty() {
        report(recording, &failures, looked_at);
    }
}

fn survives(image: &Tree, promise: Promise) -> Result<(), String> {
    let scratch = recorder::scratch();
    image.write(scratch.path());
    let _alone = recorder::alone();
    check::journal(&scratch.path().join(JOURNAL), Events { seed: workload::seed() }, promise)
}

fn report(recording: &Recording, failures: &[(usize, Mode, String)], looked_at: usize) -> ! {
    let seed = workload::seed();
    let test = thread::current().name().map_or(String::new(), |name| name.replace("::", "-"));
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{seed}-{}", std::process::id()));
    recording.keep(&kept);
    for (point, mode, wrong) in failures.iter().take(SHOWN) {
        let wrong: String = wrong.chars().take(600).collect();
        println!("lost at {point}, {mode}: {wrong}");
        println!(
            "  again: HOPTRAIL_POWER_SEED={seed} HOPTRAIL_POWER_TRACE={} HOPTRAIL_POWER_LOSS={point},{mode} \
             cargo test --test journal no_acknowledged_event_is_lost_with_the_power",
            kept.display()
        );
    }
    panic!("{} of {looked_at} disks looked at do not hold what was promised", failures.len());
}

/// The one loss that the environment asks for.
fn asked_for() -> Option<(Recording, Loss)> {
    let trace = PathBuf::from(env::var_os("HOPTRAIL_POWER_TRACE")?);
    let loss = env::var("HOPTRAIL_POWER_LOSS").expect("HOPTRAIL_POWER_LOSS goes with HOPTRAIL_POWER_TRACE");
    let (point, mode) = loss.split_once(',').expect("a loss is a point and a mode");
    let loss = (point.parse().expect("a point"), mode.parse().expect("a mode"));
    Some((Recording::load(&trace), loss))
}
