//! Journals of every format that was ever released, frozen: they open, hold what they held, and go on.
//!
//! `fixtures/journal/v1/journal.tar.zst` was made by [`make_the_fixture`] and is never made again; what it holds stands
//! in `expected.ndjson`, one event a line as the API shows it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hoptrail::journal::{self, Cause, Order, Reader, Term, Writer};
use hoptrail::model::api::EventView;
use hoptrail::model::{Event, Kind, Seq};
use serde_json::Value;

use super::events;

/// The format that this version writes.
const NEWEST: &str = "v1";
const ARCHIVE: &str = "journal.tar.zst";
const EXPECTED: &str = "expected.ndjson";
const UNPACKED_BYTES_MAX: usize = 64 << 20;
const ALL: std::ops::Range<Seq> = Seq(0)..Seq(u64::MAX);

#[test]
fn a_journal_of_format_1_holds_what_it_held_and_goes_on() {
    let (dir, expected) = unpack("v1");
    let (first, last) = (events::PER_DAY + 1, events::PER_DAY * events::DAYS);
    let report = journal::check(dir.path()).expect("a journal");
    assert_eq!((report.problems, report.lost), (vec![], vec![]));
    assert_eq!(report.events, expected.len() as u64);
    let stat = journal::stat(dir.path()).expect("a journal");
    assert_eq!((&*stat.id, stat.format), ("00112233445566778899aabbccddeeff", 1));
    let states: Vec<&str> = stat.partitions.iter().map(|part| &*part.state).collect();
    assert_eq!(states, ["cold", "cold", "warm", "warm", "hot", "hot", "hot", "open"]);
    assert!(stat.removed.iter().all(|gone| gone.cause == Cause::Age && gone.seqs.1 < Seq(first)));
    assert_eq!(stat.removed.iter().flat_map(|gone| &gone.counts).map(|row| row.count).sum::<u64>(), events::PER_DAY);

    let (mut writer, reader, set_aside) = Writer::open(dir.path()).expect("a journal of format 1");
    assert_eq!((set_aside, reader.first_seq(), reader.last_seq()), (vec![], Seq(first), Seq(last)));
    assert_eq!(writer.marks(), &[events::mark(last)].into());
    assert_holds(&reader, &expected);
    let counted = reader.statistics().expect("readable");
    assert_eq!(counted.iter().flat_map(|part| &part.counts).map(|row| row.count).sum::<u64>(), last);

    let mut more = vec![events::event(last + 1)];
    writer.append(&mut more, &[]).expect("a working disk");
    assert_eq!(more[0].seq, Seq(last + 1));
    drop((writer, reader));
    let (writer, reader, set_aside) = Writer::open(dir.path()).expect("its own journal");
    assert_eq!((set_aside, reader.event(Seq(last + 1)).expect("readable")), (vec![], more.pop()));
    assert_holds(&reader, &expected);
    events::settle(&reader);
    drop((writer, reader));
    let report = journal::check(dir.path()).expect("a journal");
    assert_eq!((report.problems, report.events), (vec![], expected.len() as u64 + 1));
}

/// Every event is there, and found by its number, its time and its terms.
fn assert_holds(reader: &Reader, expected: &[Value]) {
    let last = seq(&expected[expected.len() - 1]);
    let held = Seq(0)..Seq(last + 1);
    let found: Vec<Event> = reader.scan(held.clone(), Order::Ascending).collect::<Result<_, _>>().expect("readable");
    assert_eq!(found.len(), expected.len());
    for (event, expected) in found.iter().zip(expected) {
        assert_has(&view(event), expected);
    }
    let mut terms = BTreeSet::new();
    for (event, line) in found.iter().zip(expected) {
        let from = reader.seq_at(event.at).expect("readable");
        assert_eq!(from.0, seq(line), "by time");
        for term in terms_of(event) {
            if !terms.insert(format!("{term:?}")) {
                continue;
            }
            let by_term = reader.find(&term, held.clone(), Order::Ascending);
            let by_term: Vec<Event> = by_term.collect::<Result<_, _>>().expect("readable");
            let matching = found.iter().filter(|event| term.matches(event));
            assert!(by_term.iter().eq(matching), "{term:?}");
        }
    }
    assert!(terms.len() > 100, "{} terms were looked up", terms.len());
}

fn terms_of(event: &Event) -> Vec<Term> {
    let mut terms = Vec::new();
    terms.extend(event.order_id.clone().map(Term::OrderId));
    terms.extend(event.message_id.clone().map(Term::MessageId));
    terms.extend(event.correlation_id.clone().map(Term::CorrelationId));
    terms.extend(event.fingerprint.map(Term::Fingerprint));
    if Term::is_rare(event.kind) {
        terms.push(Term::Kind(event.kind));
        terms.extend(event.queue.clone().map(|queue| Term::KindQueue(event.kind, queue)));
    }
    terms
}

/// What was written must be there; later versions may show more.
fn assert_has(found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, value) in expected {
                assert_has(found.get(key).unwrap_or_else(|| panic!("{key} is missing in {found:?}")), value);
            }
        }
        _ => assert_eq!(found, expected),
    }
}

fn view(event: &Event) -> Value {
    serde_json::to_value(EventView::full(event)).expect("JSON")
}

fn seq(line: &Value) -> u64 {
    line["seq"].as_u64().expect("a number")
}

fn home(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journal").join(format)
}

/// A copy of a frozen journal, and the events in it.
fn unpack(format: &str) -> (tempfile::TempDir, Vec<Value>) {
    let dir = tempfile::tempdir().expect("a directory");
    let packed = fs::read(home(format).join(ARCHIVE)).expect("the fixture");
    let tar = zstd::bulk::decompress(&packed, UNPACKED_BYTES_MAX).expect("zstd");
    let mut unpacking = Command::new("tar");
    unpacking.args(["-xf", "-", "-C"]).arg(dir.path()).stdin(Stdio::piped());
    let mut unpacking = unpacking.spawn().expect("tar");
    unpacking.stdin.take().expect("a pipe").write_all(&tar).expect("written");
    assert!(unpacking.wait().expect("tar").success());
    let text = fs::read_to_string(home(format).join(EXPECTED)).expect("the events");
    (dir, text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect())
}

/// Makes the fixture of a new format: raise `NEWEST`, run this once, and commit what it made. Those that are there stay
/// as they are.
#[test]
#[ignore = "makes a fixture, which is done once for each format"]
fn make_the_fixture() {
    let home = home(NEWEST);
    assert!(!home.join(ARCHIVE).exists(), "{} is frozen: it must open for ever as it is", home.display());
    fs::create_dir_all(&home).expect("made");
    let dir = tempfile::tempdir().expect("a directory");
    let identity = r#"{"format":1,"id":"00112233445566778899aabbccddeeff"}"#;
    fs::write(dir.path().join("journal.json"), identity).expect("written");
    events::make(dir.path());
    let tar = Command::new("tar");
    let tar = { tar }
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--sparse", "-cf", "-", "-C"])
        .arg(dir.path())
        .arg(".")
        .output()
        .expect("tar");
    assert!(tar.status.success());
    let packed = zstd::bulk::compress(&tar.stdout, 19).expect("zstd");
    let (_writer, reader, _) = Writer::open(dir.path()).expect("its own journal");
    let mut lines = String::new();
    for event in reader.scan(ALL, Order::Ascending) {
        lines += &view(&event.expect("readable")).to_string();
        lines.push('\n');
    }
    assert!(Kind::ALL.iter().all(|kind| lines.contains(&format!("{:?}:{:?}", "kind", kind.name()))));
    fs::write(home.join(EXPECTED), lines).expect("written");
    fs::write(home.join(ARCHIVE), packed).expect("written");
}
