//! At which points of a trace the power is lost.

use std::collections::BTreeSet;
use std::env;
use std::ops::Range;

use super::disk::{Disk, What};
use hoptrail_tests::Rng;

/// Points looked at by default: what takes half a minute.
const POINTS: usize = 60;
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
    let notes: Vec<usize> = disk.notes.iter().map(|(since, _)| *since).filter(in_range).collect();
    let mut points = BTreeSet::from([range.end]);
    points.extend(at_names(disk, range.clone(), count / 3, &mut rng));
    for from in [notes, (range.start..=range.end).collect()] {
        points.extend((0..count / 3).filter(|_| !from.is_empty()).map(|_| *rng.pick(&from)));
    }
    points.into_iter().collect()
}

/// Points to kill a process at: when a name has just changed.
pub fn kills(disk: &Disk, count: usize, seed: u64) -> Vec<usize> {
    at_names(disk, 0..disk.end, count, &mut Rng::new(&[seed, 4]))
}

/// Points at which a name has just changed. In half of all cases a directory was renamed, in a quarter a file: there
/// are few of them, and they are what everything else relies on.
fn at_names(disk: &Disk, range: Range<usize>, count: usize, rng: &mut Rng) -> Vec<usize> {
    let (mut any, mut renames, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    for change in disk.changes.iter().filter(|change| range.start < change.since && change.since <= range.end) {
        let What::Names(names) = &change.what else { continue };
        any.push(change.since);
        if names.len() > 1 {
            renames.push(change.since);
        }
        if names.len() > 1 && names.iter().filter_map(|(.., inode)| *inode).any(|inode| disk.is_dir[inode]) {
            moves.push(change.since);
        }
    }
    let kinds = [&moves, &moves, &renames, &any];
    let picks = (0..count).map(|number| kinds[number % kinds.len()]).filter(|kind| !kind.is_empty());
    picks.map(|kind| *rng.pick(kind)).collect()
}
