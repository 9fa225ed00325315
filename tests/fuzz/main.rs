//! The fuzz targets on the stable toolchain: over the corpus, over mutations of it that are the same in every run, and
//! over what is too large to be kept in files. No panic, none of the targets' rules broken, and memory bounded.
//!
//! `fuzz/README.md` tells how to fuzz for longer. `HOPTRAIL_FUZZ_MUTATIONS` sets how many mutations a target is given;
//! a failure prints its target and number, and leaves the bytes in the temporary directory.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

mod corpus;
mod large;
mod targets;

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that `work` takes at most at a time, beyond what is taken before. One measurement at a time.
fn peak_of(work: impl FnOnce()) -> usize {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}
