//! At which points of a trace the power is lost.

use std::collections::BTreeSet;
use std::env;

use super::disk::{Disk, What};
use super::rng::Rng;

/// Points looked at by default: what takes half a minute.
const POINTS: usize = 60;

/// A third of them right after the process believed something durable, a third right after a change of names, when
/// files come and go, and a third anywhere.
pub fn choose(disk: &Disk, seed: u64, share: usize) -> Vec<usize> {
    let wanted = match env::var("HOPTRAIL_POWER_POINTS") {
        Ok(all) if all == "all" => return (0..=disk.end).collect(),
        Ok(number) => number.parse().expect("HOPTRAIL_POWER_POINTS is a number, or all"),
        Err(_) => POINTS,
    };
    let mut rng = Rng::new(&[seed, 0x70_6f_69_6e_74_73]);
    let names = disk.changes.iter().filter(|change| matches!(change.what, What::Names(_)));
    let names: Vec<usize> = names.map(|change| change.since).filter(|since| *since > 0).collect();
    let notes: Vec<usize> = disk.notes.iter().map(|(since, _)| *since).collect();
    let mut points = BTreeSet::from([disk.end]);
    for from in [names, notes, (0..=disk.end).collect()] {
        points.extend((0..wanted / share / 3).filter(|_| !from.is_empty()).map(|_| *rng.pick(&from)));
    }
    points.into_iter().collect()
}
