//! What the recorded process does: it opens a journal, appends, closes, opens again, and says what it believes.
//!
//! The notes, each true from its place in the trace on: `begun 40`: events up to 40 may be there; `acked 40`: events up
//! to 40 are there, with the marks of the batch that 40 ends; `opened 40`: the journal says that it holds 40 events,
//! and whoever reads them relies on it.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use hoptrail::journal::{OpenError, Reader, SetAside, Writer};

use super::check;
use super::events::Events;
use super::recorder;

/// The workload's name for [`recorder::record`].
pub const NAME: &str = "workload::a_journal_that_nothing_disturbs_holds_what_was_appended";
/// Where the journal lies on the disk.
pub const JOURNAL: &str = "journal";
/// The events' seed.
pub const SEED: &str = "HOPTRAIL_POWER_SEED";
/// How often the journal is opened, and how many batches it takes each time: `3x20`.
pub const LIVES: &str = "HOPTRAIL_POWER_LIVES";
const LIVES_ALONE: &str = "2x10";

/// Opens the journal: the one place that says with which sizes.
pub fn open(dir: &Path) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
    Writer::open(dir)
}

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
        let (mut writer, _reader, set_aside) = open(dir).expect("its own journal");
        assert_eq!(set_aside, []);
        last = writer.last_seq().0;
        notes.say("opened", last);
        for _ in 0..batches {
            let mut batch = events.batch(last + 1);
            last += batch.len() as u64;
            notes.say("begun", last);
            writer.append(&mut batch, &events.marks(last)).expect("a working disk");
            notes.say("acked", last);
        }
    }
    last
}

/// A test of its own, and the workload of the others.
#[test]
fn a_journal_that_nothing_disturbs_holds_what_was_appended() {
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
    super::tree::Tree::read(&dir).write(copy.path());
    let promise = check::Promise { held: last, acked: last, begun: last };
    assert_eq!(check::journal(&copy.path().join(JOURNAL), events, promise), Ok(()));
    fs::remove_dir_all(copy.path()).expect("removed");
}
