//! What the recorded process does: it opens a journal, appends, closes, opens again, and says what it believes.
//!
//! The notes, each true from its place in the trace on: `begun 40`: events up to 40 may be there; `acked 40`: events up
//! to 40 are there, with the marks of the batch that 40 ends; `opened 40`: the journal says that it holds 40 events,
//! and whoever reads them relies on it; `tended 40`: retention may have taken what it takes when 40 happens.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hoptrail::journal::{OpenError, Options, Reader, SetAside, Writer};
use hoptrail::model::Timestamp;

use super::check;
use super::recorder;
use crate::events::{Events, at, policy};
use hoptrail_tests::Rng;

/// The workload's name for [`recorder::record`].
pub const NAME: &str = "power::workload::a_journal_that_nothing_disturbs_holds_what_was_appended";
/// Where the journal lies on the disk.
pub const JOURNAL: &str = "journal";
/// The events' seed.
pub const SEED: &str = "HOPTRAIL_POWER_SEED";
/// How often the journal is opened, and how many batches it takes each time: `3x20`.
pub const LIVES: &str = "HOPTRAIL_POWER_LIVES";
const LIVES_ALONE: &str = "2x15";

/// Opens the journal: the one place that says with which sizes.
pub fn open(dir: &Path) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
    Writer::open_with(dir, SMALL)
}

/// So small that partitions end, are sealed and retire within a few hundred events.
const SMALL: Options = Options { part_events_max: 60, part_bytes_max: 1 << 30, run_events_max: 20, open_parts_max: 2 };
/// Of a hundred batches, so many are followed by retention.
const TENDED: u64 = 40;
/// How long the background may take to get done.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// The seed of this run.
pub fn seed() -> u64 {
    env::var(SEED).map_or(1, |seed| seed.parse().expect("HOPTRAIL_POWER_SEED is a number"))
}

/// Writes lines where the recorder, if there is one, puts them among the operations.
struct Notes(File);

impl Notes {
    fn say(&mut self, what: &str, seq: u64) {
        // One write, and so one note.
        self.0.write_all(format!("{what} {seq}\n").as_bytes()).expect("noted");
    }
}

/// Opens the journal in `dir` again and again, and appends; gives the number of the last event.
fn run(dir: &Path, events: Events, lives: &str, notes: &mut Notes) -> u64 {
    let (lives, batches) = lives.split_once('x').expect("lives are given as 3x20");
    let [lives, batches] = [lives, batches].map(|number| number.parse::<u64>().expect("a number"));
    let mut last = 0;
    for _ in 0..lives {
        let (mut writer, reader, set_aside) = open(dir).expect("its own journal");
        assert_eq!(set_aside, []);
        last = writer.last_seq().0;
        notes.say("opened", last);
        for _ in 0..batches {
            let mut batch = events.batch(last + 1);
            last += batch.len() as u64;
            notes.say("begun", last);
            writer.append(&mut batch, &events.marks(last)).expect("a working disk");
            notes.say("acked", last);
            if Rng::new(&[events.seed, last, 2]).chance(TENDED) {
                notes.say("tended", last);
                tend(&writer, &reader, at(last));
            }
        }
    }
    last
}

/// Does what is due: a partition is rewritten or removed at a time.
fn tend(writer: &Writer, reader: &Reader, now: Timestamp) {
    let deadline = Instant::now() + SETTLED_WITHIN;
    while !reader.is_settled() {
        assert!(Instant::now() < deadline, "the background does not get done");
        thread::yield_now();
    }
    let mut keeper = writer.keeper(policy());
    while keeper.tend(now, &mut |_| true).expect("a working disk").is_some() {}
}

/// A test of its own, and the workload of the others.
#[test]
fn a_journal_that_nothing_disturbs_holds_what_was_appended() {
    let _alone = recorder::alone();
    let scratch = tempfile::tempdir().expect("a directory");
    let here = || (scratch.path().to_owned(), scratch.path().join("notes"));
    let (dir, notes) = recorder::place().unwrap_or_else(here);
    let mut notes = Notes(File::options().create(true).append(true).open(notes).expect("a file for notes"));
    let (journal, events) = (dir.join(JOURNAL), Events { seed: seed() });
    let lives = env::var(LIVES).unwrap_or_else(|_| LIVES_ALONE.to_owned());
    let last = run(&journal, events, &lives, &mut notes);
    assert!(last > 0);
    // Looked at elsewhere: checking appends events of its own.
    let copy = tempfile::tempdir().expect("a directory");
    crate::tree::Tree::read(&dir).write(copy.path());
    let promise = check::Promise { held: last, acked: last, begun: last, tended: last };
    assert_eq!(check::journal(&copy.path().join(JOURNAL), events, promise), Ok(()));
    fs::remove_dir_all(copy.path()).expect("removed");
}
