//! At which points of a trace the power is lost.

use std::collections::BTreeSet;
use std::env;

use super::disk::{Disk, What};
use super::rng::Rng;

/// Points looked at by default: what takes half a minute.
const POINTS: usize = 40;
/// Points of one of several recordings.
const POINTS_OF_EACH: usize = 8;

/// How many points are wanted; `None`: all there are.
fn wanted() -> Option<usize> {
    match env::var("HOPTRAIL_POWER_POINTS") {
        Ok(all) if all == "all" => None,
        Ok(number) => Some(number.parse().expect("HOPTRAIL_POWER_POINTS is a number, or all")),
        Err(_) => Some(POINTS),
    }
}

/// Recordings to make where each is looked at in few points.
pub fn recordings() -> usize {
    wanted().unwrap_or(POINTS * 10).div_ceil(POINTS_OF_EACH)
}

/// Points of a recording.
pub fn choose(disk: &Disk, seed: u64) -> Vec<usize> {
    match wanted() {
        Some(count) => some(disk, 0, count, seed),
        None => (0..=disk.end).collect(),
    }
}

/// Points of one of several recordings, after `from`.
pub fn choose_few(disk: &Disk, from: usize, seed: u64) -> Vec<usize> {
    some(disk, from, POINTS_OF_EACH, seed)
}

/// A third of them right after the process believed something durable, a third right after a change of names, when files
/// come and go, and a third anywhere.
fn some(disk: &Disk, from: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(&[seed, 5]);
    let notes = disk.notes.iter().map(|(since, _)| *since).filter(|since| *since > from).collect();
    let mut points = BTreeSet::from([disk.end]);
    for from in [names(disk, from), notes, (from..=disk.end).collect()] {
        points.extend((0..count / 3).filter(|_| !from.is_empty()).map(|_| *rng.pick(&from)));
    }
    points.into_iter().collect()
}

/// Points after `from` at which names have just changed.
pub fn names(disk: &Disk, from: usize) -> Vec<usize> {
    let names = disk.changes.iter().filter(|change| matches!(change.what, What::Names(_)));
    names.map(|change| change.since).filter(|since| *since > from).collect()
}
