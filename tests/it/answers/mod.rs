//! What hoptrail shows to the outside, held as it is: every answer of the API, every table of the command line, every
//! help text, and the names of all metrics. Needs no broker.
//!
//! Two recorded days stand in `fixtures/answers/journals`: the fixture's day as the taps saw it, and the same day through
//! the proxy, with some messages more (`gift-…`) and with a proxy that was killed before the day and after it. A hoptrail
//! whose clock stands still opens a copy of each and is asked.
//!
//! # When a snapshot differs
//!
//! The test prints the file and the difference. Where the change is not meant, the code is wrong. Where it is meant, run
//! `UPDATE_EXPECT=1 cargo test --test it answers`, read `git diff fixtures/answers`, and commit the files with the change
//! that made them differ. A change of public names belongs into the CHANGELOG as well. The same variable rewrites the
//! sentences of verdicts (`cargo test --lib sentences`) and removes snapshots that no test asks for any more.

mod causes;
mod commands;
mod days;
mod idle;
mod shown;
mod snapshots;
mod stage;
