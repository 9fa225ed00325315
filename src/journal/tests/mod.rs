//! The journal against a plain list of events: whatever is appended is found again, over reopens and days.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use proptest::option::of;
use proptest::prelude::*;

use std::path::Path;

use crate::model::{Body, Event, Fingerprint, Kind, Seq, Source, Timestamp};

use super::*;

mod damage;

const START: i64 = 1_795_219_200_000_000;

#[derive(Clone, Debug)]
enum Step {
    Append {
        events: Vec<Event>,
        mark: i64,
    },
    Reopen,
    /// Goes on with a copy of the files as they are while nothing is closed. (A copy is no crash image where the
    /// background writes meanwhile; those are made elsewhere.)
    Crash,
    /// Waits until what can be sealed is sealed.
    Settle,
    /// The keeper does all that is due so many days after the start.
    Age(u64),
    /// The keeper rewrites what was never rewritten.
    Compact,
}

/// Small enough that a few dozen events fill runs and partitions.
const SMALL: Options = Options { part_events_max: 60, part_bytes_max: 4 << 20, run_events_max: 20, open_parts_max: 2 };

prop_compose! {
    fn event()(
        minutes in 0..400i64, kind in 0..Kind::ALL.len(), order in 0..12u32, message in 0..40u32, queue in 0..3u32,
        exchange in 0..4u8, body in prop_oneof![9 => 0..2_000usize, 1 => 6_000..60_000usize], noise in any::<u64>(), same in of(0..80u64),
    ) -> Event {
        let mut event = Event::new(Kind::ALL[kind], Source::Binding, Timestamp::from_micros(START + minutes * 60_000_000));
        event.order_id = (order < 10).then(|| format!("JW-{order}").into());
        event.message_id = (message < 30).then(|| format!("m-{message}").into());
        event.correlation_id = (message % 7 == 0).then(|| format!("c-{order}").into());
        event.fingerprint = Some(Fingerprint([message as u8; 16]));
        event.queue = Some(format!("mes.queue.{queue}").into());
        event.exchange = Some(if exchange == 0 { "noise".into() } else { "mes.orders".into() });
        event.routing_key = Some(format!("order.{noise}").into());
        let mut state = noise;
        let data = (0..body).map(|_| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1); (state >> 56) as u8 });
        // So far back, if there is an event there that has bytes of its own.
        let same_as = same.map(Seq);
        event.body = Some(Body { len: body as u64, data: data.collect(), same_as, ..Body::default() });
        event
    }
}

fn step() -> impl Strategy<Value = Step> {
    let append = (prop::collection::vec(event(), 0..60), 0..1_000_000i64);
    prop_oneof![
        5 => append.prop_map(|(events, mark)| Step::Append { events, mark }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => Just(Step::Settle),
        1 => (0..120u64).prop_map(Step::Age),
        1 => Just(Step::Compact),
    ]
}

const DAY: Duration = Duration::from_secs(86_400);

fn policy() -> Policy {
    let rule = Rule { exchange: Some("noise".into()), keep: 5 * DAY, ..Rule::default() };
    Policy { hot: 10 * DAY, warm: 30 * DAY, cold: 90 * DAY, max_bytes: None, high_water: 1.0, rules: vec![rule] }
}

/// What the journal should hold.
#[derive(Default)]
struct Model {
    /// All that were appended.
    events: Vec<Event>,
    /// What retention has left of them, by their index.
    left: Vec<Option<Event>>,
    /// Which were handed over with bytes of their own.
    with_bytes: Vec<bool>,
    marks: BTreeMap<String, Mark>,
}

impl Model {
    fn append(&mut self, events: &mut [Event]) {
        for event in events {
            let seq = self.events.len() as u64 + 1;
            let back = event.body.as_mut().and_then(|body| body.same_as.take());
            let same = back.and_then(|back| seq.checked_sub(back.0 + 1)).filter(|same| *same > 0);
            let same = same.filter(|same| self.with_bytes[*same as usize - 1]);
            if let Some(same) = same {
                let other = self.events[same as usize - 1].body.clone().expect("a body");
                event.body = Some(Body { same_as: Some(Seq(same)), ..other });
            }
            self.with_bytes.push(same.is_none());
            let mut event = event.clone();
            event.body.as_mut().expect("a body").same_as = None;
            event.seq = Seq(seq);
            event.at = self.events.last().map_or(event.at, |last| last.at.max(event.at));
            self.left.push(Some(event.clone()));
            self.events.push(event);
        }
    }

    /// What the keeper is to do `now` with everything but the newest partition.
    fn age(&mut self, reader: &Reader, now: Timestamp) {
        let mut parts = reader.statistics().expect("readable");
        parts.pop();
        for part in parts {
            let age = now.since(part.to);
            for slot in &mut self.left[part.first.0 as usize - 1..part.last.0 as usize] {
                let Some(event) = slot else { continue };
                let critical = [Kind::DeadLetter, Kind::Return, Kind::Unroutable, Kind::Gap].contains(&event.kind);
                let limit = if event.exchange.as_deref() == Some("noise") {
                    5
                } else if critical {
                    90
                } else {
                    30
                };
                let body = event.body.as_mut().filter(|body| age >= 10 * DAY && !body.data.is_empty());
                if let Some(body) = body {
                    (body.data, body.truncated) = (Vec::new(), true);
                }
                if age >= limit * DAY {
                    *slot = None;
                }
            }
        }
    }

    fn left(&self) -> Vec<&Event> {
        self.left.iter().flatten().collect()
    }

    fn check(&self, reader: &Reader) {
        let all = Seq(0)..Seq(u64::MAX);
        let read = |order| {
            let events = reader.scan(all.clone(), order);
            events.map(|event| whole(reader, event.expect("readable"))).collect::<Vec<_>>()
        };
        assert_eq!(read(Order::Ascending).iter().collect::<Vec<_>>(), self.left());
        let mut backwards = read(Order::Descending);
        backwards.reverse();
        assert_eq!(backwards.iter().collect::<Vec<_>>(), self.left());
        let statistics = reader.statistics().expect("readable");
        let counted: u64 = statistics.iter().flat_map(|part| &part.counts).map(|row| row.count).sum();
        assert_eq!(counted, self.events.len() as u64);
        assert_eq!(reader.last_seq().0, self.events.len() as u64);
        self.check_terms(reader);
        self.check_times(reader);
    }

    fn check_terms(&self, reader: &Reader) {
        let ids = (0..12).map(|n| Term::OrderId(format!("JW-{n}").into()));
        let messages = (0..31).map(|n| Term::MessageId(format!("m-{n}").into()));
        let correlations = (0..12).map(|n| Term::CorrelationId(format!("c-{n}").into()));
        let fingerprints = (0..40).map(|n| Term::Fingerprint(Fingerprint([n; 16])));
        let kinds = [Term::Kind(Kind::DeadLetter), Term::KindQueue(Kind::Gap, "mes.queue.1".into())];
        for term in ids.chain(messages).chain(correlations).chain(fingerprints).chain(kinds) {
            let middle = Seq(self.events.len() as u64 / 2);
            for (range, order) in
                [(Seq(0)..Seq(u64::MAX), Order::Ascending), (middle..Seq(u64::MAX), Order::Descending)]
            {
                let mut expected: Vec<_> =
                    self.left().into_iter().filter(|event| term.matches(event) && range.contains(&event.seq)).collect();
                if order == Order::Descending {
                    expected.reverse();
                }
                let found: Vec<_> =
                    reader.find(&term, range, order).map(|event| whole(reader, event.expect("readable"))).collect();
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{term:?}");
            }
        }
    }

    fn check_times(&self, reader: &Reader) {
        for minutes in [-1, 0, 1, 57, 200, 399, 400] {
            let at = Timestamp::from_micros(START + minutes * 60_000_000);
            let seq = reader.seq_at(at).expect("readable");
            assert!(self.left().iter().all(|event| (event.seq < seq) == (event.at < at)), "{minutes}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_holds_what_was_appended(steps in prop::collection::vec(step(), 1..16)) {
        let mut dir = tempfile::tempdir().expect("a directory");
        let mut model = Model::default();
        let (mut writer, mut reader, _) = Writer::open_with(dir.path(), SMALL).expect("a new journal");
        for step in steps {
            match step {
                Step::Append { mut events, mark } => {
                    model.append(&mut events);
                    let mark = Mark { at: Timestamp::from_micros(START + mark) };
                    let marks = if events.is_empty() { vec![] } else { vec![("/ firehose".to_owned(), mark)] };
                    writer.append(&mut events, &marks).expect("a working disk");
                    model.marks.extend(marks);
                }
                Step::Settle => settle(&reader),
                Step::Age(days) => {
                    settle(&reader);
                    let now = Timestamp::from_micros(START).after(days as u32 * DAY);
                    model.age(&reader, now);
                    let mut keeper = writer.keeper(policy());
                    while keeper.tend(now, &mut |_| true).expect("a working disk").is_some() {}
                }
                Step::Compact => {
                    let mut keeper = writer.keeper(policy());
                    while keeper.compact(&mut |_| true).expect("a working disk").is_some() {}
                }
                Step::Reopen | Step::Crash => {
                    if matches!(step, Step::Crash) {
                        settle(&reader);
                        let copy = tempfile::tempdir().expect("a directory");
                        copy_tree(dir.path(), copy.path());
                        drop((writer, reader));
                        dir = copy;
                    } else {
                        drop((writer, reader));
                    }
                    let (opened, read, set_aside) = Writer::open_with(dir.path(), SMALL).expect("its own journal");
                    prop_assert_eq!(set_aside, vec![]);
                    (writer, reader) = (opened, read);
                }
            }
            prop_assert_eq!(writer.marks(), &model.marks);
        }
        model.check(&reader);
    }
}

/// The event as it is when it is asked for by itself: with the bytes of its body.
fn whole(reader: &Reader, event: Event) -> Event {
    match event.body.as_ref().and_then(|body| body.same_as) {
        Some(_) => reader.event(event.seq).expect("readable").expect("it is there"),
        None => event,
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("a new directory");
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Waits until every partition but the newest is sealed, and no terms wait to be written.
pub(super) fn settle(reader: &Reader) {
    for _ in 0..20_000 {
        if reader.is_settled() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("the background does not get done");
}

fn some_events(count: u32) -> Vec<Event> {
    let numbered = (0..count).map(|n| {
        let at = Timestamp::from_micros(START).after(Duration::from_millis(u64::from(n)));
        let mut event = Event::new(Kind::Publish, Source::Firehose, at);
        event.message_id = Some(format!("m-{n}").into());
        event
    });
    numbered.collect()
}

#[test]
fn terms_are_found_in_runs_as_well_as_in_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, reader, _) = Writer::open(dir.path()).expect("a new journal");
    for chunk in some_events(600_000).chunks_mut(20_000) {
        writer.append(chunk, &[]).expect("a working disk");
    }
    let check = |reader: &Reader| {
        for n in [0, 1, 124_999, 125_000, 250_001, 499_999, 520_000, 599_999] {
            let term = Term::MessageId(format!("m-{n}").into());
            let found: Vec<_> = reader.find(&term, Seq(0)..Seq(u64::MAX), Order::Ascending).collect();
            assert_eq!(found.len(), 1, "{n}");
            assert!(found.iter().flatten().all(|event| event.seq == Seq(n + 1)));
        }
        let missing = Term::MessageId("m-600000".into());
        assert_eq!(reader.find(&missing, Seq(0)..Seq(u64::MAX), Order::Ascending).count(), 0);
    };
    check(&reader);
    settle(&reader);
    check(&reader);
    drop((writer, reader));
    let (_writer, reader, _) = Writer::open(dir.path()).expect("its own journal");
    check(&reader);
}

#[test]
fn a_partition_goes_after_the_newest_even_where_an_older_name_is_free() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, reader, _) = Writer::open_with(dir.path(), SMALL).expect("a new journal");
    let mut events = some_events(180);
    for chunk in events.chunks_mut(60) {
        writer.append(chunk, &[]).expect("a working disk");
    }
    settle(&reader);
    let bytes = reader.disk_bytes() - 1;
    let mut keeper = writer.keeper(Policy { max_bytes: Some(bytes), ..policy() });
    let removed = keeper.tend(events[0].at, &mut |_| true).expect("a working disk").expect("one has to go");
    assert_eq!((removed.what, removed.seqs), (What::Removed(Cause::Size), (Seq(1), Seq(60))));
    writer.append(&mut events, &[]).expect("a working disk");
    drop((writer, reader, keeper));
    let (_writer, reader, set_aside) = Writer::open_with(dir.path(), SMALL).expect("its own journal");
    assert_eq!((set_aside, reader.first_seq(), reader.last_seq()), (vec![], Seq(61), Seq(360)));
    assert_eq!(reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).flatten().count(), 300);
}

#[test]
fn a_journal_in_use_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let _open = Writer::open(dir.path()).expect("a new journal");
    assert!(matches!(Writer::open(dir.path()), Err(OpenError::InUse { .. })));
}

#[test]
fn a_journal_of_a_later_version_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(Writer::open(dir.path()).expect("a new journal"));
    std::fs::write(dir.path().join("journal.json"), r#"{"format":2,"id":"00"}"#).expect("written");
    assert!(matches!(Writer::open(dir.path()), Err(OpenError::Newer { found: 2, known: 1, .. })));
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("thesis.tex"), "…").expect("written");
    let error = Writer::open(dir.path()).err().expect("refused");
    assert!(matches!(error, OpenError::NotAJournal { .. }), "{error}");
    std::fs::write(dir.path().join("journal.json"), "…").expect("written");
    assert!(matches!(Writer::open(dir.path()), Err(OpenError::NotAJournal { .. })));
}

#[test]
fn a_probe_tells_what_opening_would_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fresh, file) = (dir.path().join("a/b/journal"), dir.path().join("file"));
    std::fs::write(&file, "").expect("written");
    assert!(probe(dir.path()).is_err_and(|error| matches!(error, OpenError::NotAJournal { .. })));
    assert!(probe(&file).is_err_and(|error| matches!(error, OpenError::Directory { .. })));
    assert!(probe(&fresh).is_ok() && !fresh.exists());
    let _open = Writer::open(&fresh).expect("a new journal");
    assert!(probe(&fresh).is_err_and(|error| matches!(error, OpenError::InUse { .. })));
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).expect("readable").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| name == "a" || name == "file"), "{left:?}");
}

#[test]
fn a_look_up_opens_only_the_partitions_that_hold_the_term() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options { open_parts_max: 30, ..SMALL };
    let (mut writer, reader, _) = Writer::open_with(dir.path(), options).expect("a new journal");
    for day in 0..30 {
        let mut events = some_events(50);
        for event in &mut events {
            event.at = event.at.after(day * DAY);
            event.message_id = Some(format!("m-{day}-{}", event.at).into());
            event.order_id = (day % 10 == 3).then(|| "JW-3".into());
        }
        writer.append(&mut events, &[]).expect("a working disk");
    }
    settle(&reader);
    drop((writer, reader));
    let (_writer, reader, _) = Writer::open_with(dir.path(), options).expect("its own journal");
    let ask = |term| reader.find(&term, Seq(0)..Seq(u64::MAX), Order::Ascending).flatten().count();
    assert_eq!((ask(Term::OrderId("JW-4".into())), reader.open_parts()), (0, 0));
    assert_eq!((ask(Term::OrderId("JW-3".into())), reader.open_parts()), (150, 3));
}

#[test]
fn events_with_any_of_some_terms_are_found_once_and_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, reader, _) = Writer::open_with(dir.path(), SMALL).expect("a new journal");
    let mut events = some_events(300);
    for (n, event) in events.iter_mut().enumerate() {
        event.order_id = (n % 3 == 0).then(|| format!("JW-{}", n % 2).into());
    }
    for chunk in events.chunks_mut(60) {
        writer.append(chunk, &[]).expect("a working disk");
    }
    settle(&reader);
    let ids = (0..300).filter(|n| n % 7 == 0).map(|n| Term::MessageId(format!("m-{n}").into()));
    let terms: HashSet<Term> = ids.chain([Term::OrderId("JW-0".into()), Term::OrderId("none".into())]).collect();
    let found: Vec<u64> = reader.find_any(terms.into()).map(|event| event.expect("readable").seq.0).collect();
    let expected: Vec<u64> = (0..300).filter(|n| n % 7 == 0 || n % 6 == 0).map(|n| n + 1).collect();
    assert_eq!(found, expected);
}
