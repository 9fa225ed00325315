//! At which points of a trace the power is lost.

use std::collections::BTreeSet;
use std::env;
use std::ops::Range;

use super::disk::{Change, Disk, What};
use super::rng::Rng;

/// Points looked at by default: what takes half a minute.
const POINTS: usize = 40;
/// Points of one of several recordings.
const POINTS_OF_EACH: usize = 8;
/// Operations within which a restarted process has mended what it found.
const SOON: usize = 80;

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
        Some(count) => some(disk, 0..disk.end, count, seed),
        None => (0..=disk.end).collect(),
    }
}

/// Points of one of several recordings.
pub fn choose_few(disk: &Disk, seed: u64) -> Vec<usize> {
    some(disk, 0..disk.end, POINTS_OF_EACH, seed)
}

/// Points soon after a process has gone on with what another had left at `from`.
pub fn choose_soon(disk: &Disk, from: usize, seed: u64) -> Vec<usize> {
    some(disk, from..disk.end.min(from + SOON), POINTS_OF_EACH, seed)
}

/// A third of them right after the process believed something durable, a third right after a change of names, when files
/// come and go, and a third anywhere.
fn some(disk: &Disk, range: Range<usize>, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(&[seed, 5]);
    let in_range = |since: &usize| *since > range.start && *since <= range.end;
    let names: Vec<usize> = names(disk).into_iter().filter(in_range).collect();
    let notes: Vec<usize> = disk.notes.iter().map(|(since, _)| *since).filter(in_range).collect();
    let mut points = BTreeSet::from([range.end]);
    for from in [names, notes, (range.start..=range.end).collect()] {
        points.extend((0..count / 3).filter(|_| !from.is_empty()).map(|_| *rng.pick(&from)));
    }
    points.into_iter().collect()
}

/// Points at which names have just changed.
fn names(disk: &Disk) -> Vec<usize> {
    let names = disk.changes.iter().filter(|change| matches!(change.what, What::Names(_)));
    names.map(|change| change.since).filter(|since| *since > 0).collect()
}

/// Points to kill a process at: when a name has just changed, in half of all cases by a rename.
pub fn kills(disk: &Disk, count: usize, seed: u64) -> Vec<usize> {
    let is_rename = |change: &&Change| matches!(&change.what, What::Names(names) if names.len() > 1);
    let renames: Vec<usize> = disk.changes.iter().filter(is_rename).map(|change| change.since).collect();
    let (mut rng, names) = (Rng::new(&[seed, 4]), names(disk));
    (0..count).map(|number| *rng.pick(if number % 2 == 0 { &renames } else { &names })).collect()
}
