//! How much room the journal's file system has.

use std::io;
use std::path::Path;

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What is used, by whomever.
    pub used: u64,
    /// What this process may still use.
    pub free: u64,
}

impl DiskSpace {
    /// Of the file system that holds `path`.
    ///
    /// # Errors
    /// The path is not there.
    pub fn of(path: &Path) -> io::Result<DiskSpace> {
        let found = rustix::fs::statvfs(path)?;
        let used = found.f_blocks.saturating_sub(found.f_bfree) * found.f_frsize;
        Ok(DiskSpace { used, free: found.f_bavail * found.f_frsize })
    }

    /// How full it is, 0 to 1, as `df` counts: what is kept back for root is neither used nor free.
    #[must_use]
    pub fn fullness(self) -> f64 {
        self.used as f64 / (self.used + self.free).max(1) as f64
    }
}
