//! What a process took, what a directory takes, and percentiles.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What this process takes.
pub struct Usage {
    pub rss_mb: f64,
    pub peak_mb: f64,
    /// Processor time of all threads, ended ones included.
    pub cpu: Duration,
    /// Bytes that had to be fetched from the disk.
    pub read_bytes: u64,
}

impl Usage {
    pub fn now() -> Usage {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
        };
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        // Fields 14 and 15, counted after the name, which may hold spaces.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let read = io.lines().find_map(|line| line.strip_prefix("read_bytes: "));
        Usage {
            rss_mb: megabytes("VmRSS:"),
            peak_mb: megabytes("VmHWM:"),
            cpu: Duration::from_millis(ticks * 10),
            read_bytes: read.map_or(0, |bytes| bytes.parse().unwrap()),
        }
    }
}

/// Processor time of the calling thread.
pub fn thread_cpu() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

/// All files under a directory.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        // In a journal that is open, what stood there a moment ago may be gone.
        for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_dir { dirs.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// What the files under a directory take on the disk, those that go away meanwhile left out.
pub fn disk_bytes(dir: &Path) -> u64 {
    files(dir).iter().filter_map(|file| Some(fs::metadata(file).ok()?.blocks() * 512)).sum()
}

/// Writes the files' pages to the disk and drops them from the page cache. The error, where that is refused.
pub fn drop_cached(dir: &Path) -> std::io::Result<()> {
    for path in files(dir) {
        let Ok(file) = fs::File::open(path) else { continue };
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A percentile in milliseconds; 0 of nothing.
pub fn percentile_ms(durations: &mut [Duration], part: f64) -> f64 {
    durations.sort_unstable();
    let index = ((durations.len() as f64 * part).ceil() as usize).saturating_sub(1);
    durations.get(index).copied().map_or(0.0, ms)
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}
