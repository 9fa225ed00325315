//! The journal against what happens to disks: power losses, damage, and a stopped program whose journal is asked.
//!
//! [`events`] follow from their number, so that every part knows what a journal has to hold; a [`tree`] is a directory
//! in memory.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should; its clock is the real one"
)]

mod damage;
mod offline;
mod power;

mod events;
mod tree;
