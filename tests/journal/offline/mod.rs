//! The journal of a stopped hoptrail: the commands on it, and that those of earlier formats open for ever.

mod commands;
mod events;
mod fixture;
