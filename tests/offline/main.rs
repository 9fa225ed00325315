//! The journal of a stopped hoptrail: the commands on it, and that those of earlier formats open for ever.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod commands;
mod events;
mod fixture;
