//! `hoptrail journal` through the program: what it prints, how it exits, and what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hoptrail::journal::Writer;
use serde_json::Value;

use super::events;

/// `hoptrail journal` with no setting in the environment; the rest of it stays, for a day that the tests are given.
fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptrail"));
    let set = std::env::vars_os().map(|(name, _)| name);
    set.filter(|name| name.as_encoded_bytes().starts_with(b"HOPTRAIL_")).for_each(|name| {
        command.env_remove(name);
    });
    command.arg("journal").args(words);
    command
}

fn journal(words: &[&str], dir: &Path) -> Output {
    program(words).arg("--dir").arg(dir).output().expect("the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(words: &[&str], dir: &Path, code: i32) -> Value {
    let output = journal(&[words, &["-o", "json"]].concat(), dir);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

/// Flips a bit in each copy of a block's payload; gives the block's first number.
fn damage(database: &Path) -> u64 {
    let mut bytes = fs::read(database).expect("a database");
    let is_block = |at: &usize| bytes[*at..].starts_with(b"\x89HTB");
    let blocks: Vec<usize> = (0..bytes.len()).filter(is_block).collect();
    let number = |at: usize| u64::from_le_bytes(bytes[at + 8..at + 16].try_into().expect("eight bytes"));
    let first = blocks.iter().map(|at| number(*at)).min().expect("a block");
    let copies: Vec<usize> = blocks.into_iter().filter(|at| number(*at) == first).collect();
    copies.into_iter().for_each(|at| bytes[at + 120] ^= 1);
    fs::write(database, bytes).expect("written");
    first
}

#[test]
fn a_sound_journal_is_described_checked_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    events::make(dir.path());
    let stat = json(&["stat"], dir.path(), 0);
    assert_eq!(stat["events"], (events::DAYS - 1) * events::PER_DAY);
    assert_eq!(stat["removed"].as_array().expect("a list").len(), 2);
    assert_eq!(stat["partitions"][0]["state"], "cold");
    let by_kind = stat["events_by_kind"].as_object().expect("sums");
    assert_eq!(by_kind.values().filter_map(Value::as_u64).sum::<u64>(), (events::DAYS - 1) * events::PER_DAY);
    let table = text(&journal(&["stat"], dir.path()).stdout);
    for word in ["PARTITION", "2026-11-25-0002", "open", "cold", "older than anything is kept", "dead_letter"] {
        assert!(table.contains(word), "{word} is missing: {table}");
    }
    let check = json(&["check"], dir.path(), 0);
    assert_eq!((&check["sound"], check["problems"].as_array().map(Vec::len)), (&Value::Bool(true), Some(0)));
    let output = journal(&["check"], dir.path());
    assert!(text(&output.stdout).starts_with("The journal is sound: 8 partitions with "), "{}", text(&output.stdout));
    let output = journal(&["salvage"], dir.path());
    assert_eq!((output.status.code(), &*text(&output.stdout)), (Some(0), "Nothing is damaged.\n"));
}

#[test]
fn damage_is_told_with_its_range_then_salvaged_and_recorded_as_a_gap() {
    let dir = tempfile::tempdir().expect("a directory");
    events::make(dir.path());
    let stat = json(&["stat"], dir.path(), 0);
    let hot = stat["partitions"].as_array().expect("a list").iter().find(|part| part["state"] == "hot");
    let name = hot.expect("a hot one")["name"].as_str().expect("a name").to_owned();
    let first = damage(&dir.path().join(&name).join("db"));
    let check = json(&["check"], dir.path(), 1);
    let problems = check["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((&problems[0]["partition"], &problems[0]["range"]["first_seq"]), (&name.clone().into(), &first.into()));
    let last = problems[0]["range"]["last_seq"].as_u64().expect("a number");
    let output = journal(&["check"], dir.path());
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    for part in [format!("partition {name}, seq {first} to {last}, from "), "hoptrail journal salvage".to_owned()] {
        assert!(told.contains(&part), "{part} is missing: {told}");
    }
    let done = json(&["salvage"], dir.path(), 0);
    assert_eq!(
        (&done["partitions"][0]["lost"][0]["first_seq"], &done["partitions"][0]["events_lost"]),
        (&first.into(), &(last - first + 1).into())
    );
    let check = json(&["check"], dir.path(), 0);
    assert_eq!(check["known_lost"][0]["last_seq"], last);
    let (_writer, reader, _) = Writer::open(dir.path()).expect("its own journal");
    let gap = reader.event(reader.last_seq()).expect("readable").and_then(|event| event.gap).expect("a gap");
    assert!(gap.cause.contains(&format!("of seq {first} to {last}")), "{}", gap.cause);
}

/// Compacts a journal of days that are long over on every clock, so that the answer is the same on every day; each tier
/// is kept so long. What was done with the partitions, and with how many each.
fn compacted(dir: &Path, keep: &str) -> BTreeMap<String, usize> {
    events::make_of(dir, "2020-02-26T00:00:00Z".parse().expect("a time"));
    let keep = ["hot", "warm", "cold"].map(|tier| format!("journal.retention.{tier}={keep}"));
    let set: Vec<&str> = keep.iter().flat_map(|setting| ["--set", setting]).collect();
    let words = [&["compact", "--set", "journal.retention.high_water=1.0"][..], &set].concat();
    let mut sums = BTreeMap::new();
    for part in json(&words, dir, 0)["partitions"].as_array().expect("a list") {
        *sums.entry(part["done"].as_str().expect("a text").to_owned()).or_default() += 1;
    }
    assert_eq!(json(&["check"], dir, 0)["sound"], true);
    assert!(text(&journal(&words, dir).stdout).contains("BEFORE"));
    sums
}

#[test]
fn compacting_rewrites_the_hot_partitions_and_leaves_the_open_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let expected = [("left as it was".to_owned(), 5), ("rewritten".to_owned(), 3)];
    assert_eq!(compacted(dir.path(), "100years"), BTreeMap::from(expected));
}

#[test]
fn compacting_applies_retention() {
    let dir = tempfile::tempdir().expect("a directory");
    let expected = [("left as it was".to_owned(), 1), ("removed: older than anything is kept".to_owned(), 7)];
    assert_eq!(compacted(dir.path(), "1s"), BTreeMap::from(expected));
}

#[test]
fn what_is_no_journal_or_in_use_is_refused_and_nothing_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let (missing, empty, used) = (dir.path().join("missing"), dir.path().join("empty"), dir.path().join("used"));
    fs::create_dir(&empty).expect("made");
    let _open = Writer::open(&used).expect("a new journal");
    for command in ["stat", "check", "salvage", "compact"] {
        for (path, told) in [
            (&missing, "cannot use the journal directory"),
            (&empty, "is not a journal: it holds no journal.json"),
            (&used, "is in use by another hoptrail; stop it"),
        ] {
            let output = journal(&[command], path);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{command}: {said}");
            assert!(said.starts_with("hoptrail: ") && said.contains(told), "{command}: {said}");
            assert_eq!(said.lines().count(), 1, "{command}: {said}");
            assert!(output.stdout.is_empty());
        }
    }
    assert!(!missing.exists() && fs::read_dir(&empty).expect("readable").count() == 0);
}

#[test]
fn the_directory_may_come_from_the_configuration_and_wrong_words_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(Writer::open(dir.path()).expect("a new journal"));
    let run = |words: &[&str]| program(words).output().expect("the program").status.code();
    let setting = format!("journal.dir={}", dir.path().display());
    assert_eq!(run(&["check", "--set", &setting]), Some(0));
    let file = dir.path().join("../hoptrail-offline-test.toml");
    assert_eq!(run(&["check", "--config", file.to_str().expect("text")]), Some(78), "there is no such file");
    assert_eq!(run(&["check", "--set", "journal.retention.hot=never"]), Some(78));
    for words in [&[][..], &["repair"], &["check", "-o", "csv"], &["check", "--dir"]] {
        assert_eq!(run(words), Some(2), "{words:?}");
    }
}
