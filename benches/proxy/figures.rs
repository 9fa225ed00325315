//! What processes took, medians and percentiles.

use std::collections::BTreeMap;
use std::fs;

/// Processor seconds of a process, ended threads included.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Fields 14 and 15, counted after the name, which may hold spaces.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Processor seconds of a process's threads by their names, the busiest first; ended threads are left out.
pub fn threads(pid: u32) -> Vec<(String, f64)> {
    let mut threads = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().filter_map(Result::ok) {
        // A thread may end while it is looked at.
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let nanoseconds: f64 = read("schedstat").split(' ').next().unwrap().parse().unwrap_or(0.0);
        *threads.entry(read("comm").trim().to_owned()).or_insert(0.0) += nanoseconds / 1e9;
    }
    let mut threads: Vec<(String, f64)> = threads.into_iter().collect();
    threads.sort_unstable_by(|one, other| other.1.total_cmp(&one.1));
    threads
}

/// Resident memory of a process: now and at most, in MB.
pub fn resident_mb(pid: u32) -> [f64; 2] {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    })
}

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    assert!(!figures.is_empty(), "a median of nothing");
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { f64::midpoint(figures[middle - 1], figures[middle]) }
}

/// A percentile of sorted figures.
pub fn percentile(sorted: &[u32], part: f64) -> f64 {
    let index = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
    f64::from(sorted[index])
}

/// For the result: three places are enough.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
