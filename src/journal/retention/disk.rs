//! How much room the journal's file system has.

use std::io;
use std::path::Path;

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// All there is.
    pub total: u64,
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
        Ok(DiskSpace { total: found.f_blocks * found.f_frsize, free: found.f_bavail * found.f_frsize })
    }

    /// How much of it is used, 0 to 1, as `df` counts.
    #[must_use]
    pub fn used(self) -> f64 {
        1.0 - self.free as f64 / self.total.max(1) as f64
    }
}
