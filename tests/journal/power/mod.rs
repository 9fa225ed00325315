//! Power losses: whatever the disk has not been told to keep may be gone, and no acknowledged event is.
//!
//! A [`workload`] writes a journal in a process of its own, under a [`recorder`] that notes every write, every change of
//! a name and every fsync of that process, sled's included, and what it believed to be durable at each moment. A
//! [`disk`] replays the trace with what was durable from when on, and makes [`image`]s of what a disk may hold after a
//! power loss at any point: only what was synced, or any part of the rest as well. Each image has to open, and to hold
//! every acknowledged event ([`check`]).
//!
//! `HOPTRAIL_POWER_POINTS` sets how many points are looked at (`all`: every one), `HOPTRAIL_POWER_SEED` the seed. A
//! failure keeps its trace and prints the settings that show it again.

mod check;
mod disk;
mod image;
mod losses;
mod points;
mod recorder;
mod trace;
mod workload;
