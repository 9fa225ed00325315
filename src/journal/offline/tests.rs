//! A check finds every kind of damage, names it exactly, and leaves everything as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::journal::{Options, Order, Policy, Reader, Writer};
use crate::model::{Body, Event, Kind, Seq, Source, Timestamp};

use crate::journal::tests::settle;

use super::*;

/// 2025-11-21: before any clock, since a file says by its age until when it was written.
const START: i64 = 1_763_683_200_000_000;
/// A day has 144 events, and so three partitions: 1 to 60, 61 to 120, 121 to 144; then 145 to 210, and 211 to 240, which
/// is open. Blocks begin with each tenth number after 1, and with 145.
const STEP: Duration = Duration::from_secs(600);
const EVENTS: u64 = 240;
const SMALL: Options = Options { part_events_max: 60, part_bytes_max: 4 << 20, run_events_max: 20, open_parts_max: 2 };
const DAY: Duration = Duration::from_secs(86_400);

fn at(seq: u64) -> Timestamp {
    Timestamp::from_micros(START).after(STEP * (seq as u32 - 1))
}

fn event(seq: u64, journal: &str) -> Event {
    let kind = if seq.is_multiple_of(7) { Kind::DeadLetter } else { Kind::Publish };
    let mut event = Event::new(kind, Source::Firehose, at(seq));
    event.message_id = Some(format!("{journal}-{seq}").into());
    event.order_id = Some(format!("JW-{}", seq / 5).into());
    event.queue = Some("mes.orders".into());
    event.body = Some(Body { len: 40, data: format!("{seq:040}").into_bytes(), ..Body::default() });
    event
}

/// Makes a journal, with a block for each ten events, and has `then` done with it before it is closed.
fn make(dir: &Path, name: &str, then: impl FnOnce(&mut Writer, &Reader)) {
    let (mut writer, reader, _) = Writer::open_with(dir, SMALL).expect("a new journal");
    for first in (1..=EVENTS).step_by(10) {
        let mut events: Vec<Event> = (first..first + 10).map(|seq| event(seq, name)).collect();
        writer.append(&mut events, &[]).expect("a working disk");
    }
    settle(&reader);
    then(&mut writer, &reader);
}

/// Files and their bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("readable").flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), std::fs::read(entry.path()).expect("readable"));
        }
    }
    found
}

/// Retention as it stands so long after the first event.
fn tend(writer: &mut Writer, age: Duration) {
    let policy = Policy { hot: DAY, warm: 2 * DAY, cold: 4 * DAY, max_bytes: None, high_water: 1.0, rules: Vec::new() };
    let mut keeper = writer.keeper(policy);
    let now = Timestamp::from_micros(START).after(age);
    while keeper.tend(now, &mut |_| true).expect("a working disk").is_some() {}
}

/// What a check finds: the partition's name without its month, the numbers, the damage.
type Finding<'a> = (Option<&'a str>, Option<(u64, u64)>, Damage);

fn finding(problem: &Problem) -> Finding<'_> {
    let seqs = problem.seqs.as_ref().map(|seqs| (seqs.start().0, seqs.end().0));
    let part = problem.partition.as_deref().map(|name| name.trim_start_matches("2025-11-"));
    (part, seqs, problem.damage)
}

/// Does damage to a sound journal: the check finds exactly this, twice, and a salvage leaves a sound journal that has
/// lost what was told.
fn assert_found(what: &str, damage: impl Fn(&Path), expected: &[Finding<'_>]) {
    let dir = tempfile::tempdir().expect("a directory");
    make(dir.path(), "m", |_, _| ());
    damage(dir.path());
    let before = files(dir.path());
    let problems = check(dir.path()).expect("a journal").problems;
    assert_eq!(problems.iter().map(finding).collect::<Vec<_>>(), expected, "{what}: {problems:#?}");
    assert_eq!(check(dir.path()).expect("a journal").problems, problems, "{what}: once more");
    assert!(files(dir.path()) == before, "{what}: the check has changed files");
    let mut lost = 0;
    for problem in problems.iter().filter(|problem| problem.damage != Damage::Derived) {
        if let (Some(seqs), Some((from, to))) = (&problem.seqs, problem.times) {
            assert!(from <= at(seqs.start().0) && at(seqs.end().0) <= to, "{what}: {problem:?}");
            lost += seqs.end().0 - seqs.start().0 + 1;
        }
    }
    if problems.iter().any(|problem| problem.damage == Damage::Foreign) {
        return;
    }
    let left = salvage(dir.path(), &problems);
    assert_eq!(left, EVENTS - lost, "{what}: after the salvage");
    let report = check(dir.path()).expect("a journal");
    assert_eq!((report.problems, report.events), (vec![], left), "{what}: after the salvage");
    assert_eq!(report.lost.iter().map(crate::journal::Hole::len).sum::<u64>(), lost, "{what}");
}

/// Has a start save what is readable; how many events are left.
fn salvage(dir: &Path, problems: &[Problem]) -> u64 {
    for name in problems.iter().filter_map(|problem| problem.partition.as_deref()) {
        condemn(dir, name).expect("noted");
    }
    let (_writer, reader, _) = Writer::open_with(dir, SMALL).expect("its own journal");
    let events: Result<Vec<Event>, _> = reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).collect();
    let events = events.expect("readable");
    assert!(events.iter().all(|found| *found == Event { seq: found.seq, ..event(found.seq.0, "m") }));
    events.len() as u64
}

/// The partition's directory.
fn part(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("2025-11-{name}"))
}

/// Flips bits of a file at some places.
fn flip(path: &Path, at: impl Fn(&[u8]) -> Vec<usize>) {
    let mut bytes = std::fs::read(path).expect("a file");
    let places = at(&bytes);
    assert!(!places.is_empty(), "nothing to flip in {}", path.display());
    places.into_iter().for_each(|place| bytes[place] ^= 0x10);
    std::fs::write(path, bytes).expect("written");
}

/// A place in the payload of every copy of the block that begins with this number.
fn in_block(first: u64) -> impl Fn(&[u8]) -> Vec<usize> {
    move |bytes| {
        let is_it = |at: &usize| bytes[at + 8..at + 16] == first.to_le_bytes();
        memchr::memmem::find_iter(bytes, b"\x89HTB").filter(is_it).map(|at| at + 120).collect()
    }
}

fn remove(path: &Path) {
    if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("removed");
}

#[test]
fn a_journal_that_was_sealed_rewritten_removed_and_salvaged_is_sound_and_stays_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    make(dir.path(), "m", |writer, _| {
        for seconds in [100_000, 200_000, 270_000] {
            tend(writer, Duration::from_secs(seconds));
        }
    });
    let before = files(dir.path());
    let report = check(dir.path()).expect("a journal");
    assert_eq!((report.problems, report.lost, report.partitions), (vec![], vec![], 5));
    assert!(files(dir.path()) == before, "the check has changed files");
    let found = stat(dir.path()).expect("a journal");
    let states: Vec<_> = found.partitions.iter().map(|part| part.state.as_str()).collect();
    assert_eq!(states, ["cold", "cold", "cold", "warm", "open"]);
    assert!(files(dir.path()) == before, "the statistics have changed files");

    let (mut writer, _reader, _) = Writer::open_with(dir.path(), SMALL).expect("its own journal");
    tend(&mut writer, Duration::from_secs(4 * 86_400 + 40_000));
    drop((writer, _reader));
    let found = stat(dir.path()).expect("a journal");
    assert_eq!(found.removed.iter().map(|gone| (gone.seqs.0.0, gone.seqs.1.0)).collect::<Vec<_>>(), [(1, 60)]);
    assert_eq!(check(dir.path()).expect("a journal").problems, vec![]);
    let name = &found.partitions.iter().find(|part| part.name.contains("22-0001")).expect("a partition").name;
    flip(&dir.path().join(name).join("db"), in_block(147));
    let problems = check(dir.path()).expect("a journal").problems;
    assert!(matches!(problems.as_slice(), [one] if one.damage == Damage::Unreadable), "{problems:?}");
    condemn(dir.path(), name).expect("noted");
    let (writer, reader, set_aside) = Writer::open_with(dir.path(), SMALL).expect("its own journal");
    assert_eq!(set_aside.len(), 1);
    drop((writer, reader));
    let report = check(dir.path()).expect("a journal");
    assert_eq!(report.problems, vec![]);
    assert!(!report.lost.is_empty());
}

#[test]
fn damaged_blocks_are_found() {
    let unreadable = |part, seqs| (Some(part), Some(seqs), Damage::Unreadable);
    let cut = |path: PathBuf| {
        let file = std::fs::File::options().write(true).open(&path).expect("a file");
        file.set_len(128).expect("cut");
    };
    let blocks = |dir: &Path, name: &str, firsts: &[u64]| {
        firsts.iter().for_each(|first| flip(&part(dir, name).join("db"), in_block(*first)));
    };
    assert_found("the first block", |dir| blocks(dir, "21-0001", &[1]), &[unreadable("21-0001", (1, 10))]);
    assert_found("blocks", |dir| blocks(dir, "21-0002", &[71, 81]), &[unreadable("21-0002", (71, 90))]);
    assert_found(
        "blocks apart",
        |dir| blocks(dir, "21-0001", &[11, 51]),
        &[unreadable("21-0001", (11, 20)), unreadable("21-0001", (51, 60))],
    );
    assert_found("of the open one", |dir| blocks(dir, "22-0002", &[221]), &[unreadable("22-0002", (221, 230))]);
    assert_found("the last one", |dir| blocks(dir, "22-0002", &[231]), &[unreadable("22-0002", (231, 240))]);
    assert_found("cut", |dir| cut(part(dir, "21-0003").join("db")), &[unreadable("21-0003", (121, 144))]);
    assert_found("cut open", |dir| cut(part(dir, "22-0002").join("db")), &[unreadable("22-0002", (211, 240))]);
}

#[test]
fn missing_files_are_found() {
    let missing = |seqs| (None, Some(seqs), Damage::Missing);
    let derived = |part, seqs| (Some(part), seqs, Damage::Derived);
    assert_found("the first", |dir| remove(&part(dir, "21-0001")), &[missing((1, 60))]);
    let two = |dir: &Path| ["21-0002", "21-0003"].iter().for_each(|name| remove(&part(dir, name)));
    assert_found("two", two, &[missing((61, 144))]);
    let database = &[(Some("21-0002"), Some((61, 120)), Damage::Unreadable)];
    assert_found("a database", |dir| remove(&part(dir, "21-0002").join("db")), database);
    let database = &[(Some("22-0002"), Some((211, 240)), Damage::Unreadable)];
    assert_found("the open database", |dir| remove(&part(dir, "22-0002").join("db")), database);
    assert_found("an end", |dir| remove(&part(dir, "22-0001").join("end")), &[derived("22-0001", None)]);
    assert_found("the end", |dir| remove(&part(dir, "22-0002").join("end")), &[derived("22-0002", None)]);
}

#[test]
fn damage_beside_the_blocks_is_found() {
    let derived = |part, seqs| (Some(part), seqs, Damage::Derived);
    let index = |dir: &Path| part(dir, "21-0001").join("index");
    assert_found("a page", |dir| flip(&index(dir), |_| vec![20]), &[derived("21-0001", None)]);
    let whole = derived("21-0001", Some((1, 60)));
    assert_found("what it covers", |dir| flip(&index(dir), |bytes| vec![bytes.len() - 30]), &[whole]);
    assert_found("an end", |dir| flip(&part(dir, "22-0002").join("end"), |_| vec![3]), &[derived("22-0002", None)]);
    let run = |dir: &Path| {
        let entries = std::fs::read_dir(part(dir, "22-0002")).expect("readable").flatten();
        let mut runs =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "run"));
        runs.next().expect("a run")
    };
    assert_found("a run", |dir| flip(&run(dir), |_| vec![20]), &[derived("22-0002", None)]);
}

#[test]
fn a_partition_of_another_journal_is_found() {
    let other = tempfile::tempdir().expect("a directory");
    make(other.path(), "x", |_, _| ());
    let replace = |dir: &Path| {
        let (from, to) = (part(other.path(), "21-0002"), part(dir, "21-0002"));
        remove(&to);
        std::fs::create_dir(&to).expect("made");
        for entry in std::fs::read_dir(from).expect("readable").flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    };
    let foreign = |part, seqs| (Some(part), Some(seqs), Damage::Foreign);
    assert_found("a partition", replace, &[foreign("21-0002", (61, 70)), foreign("21-0003", (121, 130))]);
}

#[test]
fn what_tells_of_a_removed_partition_is_missed() {
    let dir = tempfile::tempdir().expect("a directory");
    make(dir.path(), "m", |writer, _| tend(writer, Duration::from_secs(4 * 86_400 + 40_000)));
    assert_eq!(check(dir.path()).expect("a journal").problems, vec![]);
    std::fs::write(dir.path().join("removed/1-60.json"), "{").expect("written");
    let problems = check(dir.path()).expect("a journal").problems;
    let expected = [(None, None, Damage::Record), (None, Some((1, 60)), Damage::Missing)];
    assert_eq!(problems.iter().map(finding).collect::<Vec<_>>(), expected);
}

#[test]
fn only_a_journal_that_nobody_uses_is_looked_at_and_none_is_made() {
    use crate::journal::OpenError;
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("journal");
    assert!(matches!(check(&missing), Err(OpenError::Directory { .. })));
    assert!(matches!(stat(dir.path()), Err(OpenError::NotAJournal { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0);
    let _open = Writer::open(&missing).expect("a new journal");
    assert!(matches!(check(&missing), Err(OpenError::InUse { .. })));
    assert!(matches!(stat(&missing), Err(OpenError::InUse { .. })));
    assert!(matches!(require(&missing), Err(OpenError::InUse { .. })));
}

#[test]
fn statistics_tell_what_was_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    make(dir.path(), "m", |_, _| ());
    let found = stat(dir.path()).expect("a journal");
    let row = |part: &PartStat| (part.seqs.map(|(first, last)| (first.0, last.0)), part.events());
    let expected = [(1, 60), (61, 120), (121, 144), (145, 210), (211, 240)];
    let expected = expected.map(|(first, last)| (Some((first, last)), last - first + 1));
    assert_eq!(found.partitions.iter().map(row).collect::<Vec<_>>(), expected);
    assert!(found.partitions.iter().all(|part| part.bytes > 0 && part.problem.is_none()));
}
