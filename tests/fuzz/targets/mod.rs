//! What is done with arbitrary bytes, and what must hold whatever they are. A violation is a panic.
//!
//! | target | the bytes are |
//! |---|---|
//! | [`observer`] | a [`hoptrail_tests::script`]: what either side sends, when, and what is lost |
//! | [`splitter`] | what one side of an open session sends, and where it is cut |
//! | [`content`] | frames that are well formed, with anything in them |
//! | [`tables`] | a table of headers |

mod checks;
mod frames;

use amq_protocol::types::parsing::parse_field_table;
use hoptrail::model::{Event, Kind, Party, Side, Timestamp, Value};
use hoptrail::wire::{End, Limits, Observed, Observer};
use hoptrail_tests::script::{self, Sender, Step};

use checks::Checks;
pub use frames::login;

/// Runs a target by its name.
pub fn run(target: &str, data: &[u8]) {
    match target {
        "observer" => observer(data),
        "splitter" => splitter(data),
        "content" => content(data),
        "tables" => tables(data),
        other => panic!("there is no target {other}"),
    }
}

/// The targets' names.
pub const NAMES: [&str; 4] = ["observer", "splitter", "content", "tables"];

/// A whole session, from its first byte.
pub fn observer(data: &[u8]) {
    let Some((options, script)) = data.split_first() else { return };
    let mut checks = Checks::new(limits(options & 1 != 0));
    if options & 2 != 0 {
        frames::login(&mut |side, bytes| checks.feed(side, bytes));
    }
    script::read(script, |step| match step {
        Step::Sent(Sender::Client, bytes) => checks.feed(Side::Client, bytes),
        Step::Sent(Sender::Broker, bytes) => checks.feed(Side::Broker, bytes),
        Step::Lost(bytes) => checks.lost(bytes),
        Step::Later(micros) => checks.later(micros),
    });
    checks.end();
}

/// The same bytes say the same, wherever they are cut.
pub fn splitter(data: &[u8]) {
    let Some((&[options, cut], bytes)) = data.split_first_chunk() else { return };
    let side = if options & 1 == 0 { Side::Client } else { Side::Broker };
    let told = |piece: usize| {
        let (mut observer, mut out) = (Observer::new(limits(options & 2 != 0), "fuzz".into()), Vec::new());
        let at = Timestamp::from_micros(0);
        frames::login(&mut |side, bytes| observer.feed(side, bytes, at, &mut out));
        for some in bytes.chunks(piece.max(1)) {
            observer.feed(side, some, at, &mut out);
        }
        observer.end(End { by: Party::Client, text: "".into() }, at, &mut out);
        out.into_iter().map(|observed| format!("{:?}", observed.event)).collect::<Vec<_>>()
    };
    let (whole, cut) = (told(bytes.len()), told(usize::from(cut)));
    assert_eq!(whole, cut, "said of the whole, and of pieces");
}

/// Methods, headers and bodies in frames that are right; what stands in them is anything.
pub fn content(data: &[u8]) {
    let Some((options, script)) = data.split_first() else { return };
    let mut checks = Checks::new(limits(options & 1 != 0));
    frames::login(&mut |side, bytes| checks.feed(side, bytes));
    frames::read(script, |side, frame| checks.feed(side, frame));
    checks.end();
}

/// Bytes of a table that another parser may recurse through without harm.
const SHALLOW: usize = 1024;

/// Headers are bounded in depth, and what another parser understands is understood the same.
pub fn tables(data: &[u8]) {
    let mut checks = Checks::new(limits(false));
    frames::login(&mut |side, bytes| checks.feed(side, bytes));
    let mut published = None;
    for frame in frames::publish(data) {
        published = checks.feed_and_see(Side::Client, &frame).into_iter().next().or(published);
    }
    if let Some(Observed { event, .. }) = published.filter(|it| it.event.kind == Kind::Publish) {
        assert!(depth_of(&event) <= Value::DEPTH_MAX + 1, "kept headers are too deep");
        if data.len() <= SHALLOW {
            same_as_the_other_parser(data, &event);
        }
    }
    checks.end();
}

fn same_as_the_other_parser(data: &[u8], event: &Event) {
    let mut bytes = u32::try_from(data.len()).unwrap_or_default().to_be_bytes().to_vec();
    bytes.extend_from_slice(data);
    // Its tables are sorted, and have each name once.
    if let Ok((&[], table)) = parse_field_table(&bytes[..]) {
        let theirs = hoptrail::wire::table(&table).kept;
        assert_eq!(format!("{:?}", sorted(&theirs)), format!("{:?}", sorted(&event.headers)));
    }
}

type Entries = [(hoptrail::model::Str, Value)];

fn sorted(entries: &Entries) -> std::collections::BTreeMap<String, Value> {
    entries.iter().map(|(name, value)| (name.to_string(), normal(value))).collect()
}

fn normal(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(normal).collect()),
        Value::Table(entries) => {
            Value::Table(sorted(entries).into_iter().map(|(name, value)| (name.into(), value)).collect())
        }
        other => other.clone(),
    }
}

/// Counted without recursion.
fn depth_of(event: &Event) -> usize {
    let mut open: Vec<(usize, &Value)> = event.headers.iter().map(|(_, value)| (0, value)).collect();
    let mut deepest = 0;
    while let Some((depth, value)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::List(items) => open.extend(items.iter().map(|item| (depth + 1, item))),
            Value::Table(entries) => open.extend(entries.iter().map(|(_, value)| (depth + 1, value))),
            _ => {}
        }
    }
    deepest
}

/// Bounds as they are, or so tight that short inputs reach them.
fn limits(tight: bool) -> Limits {
    let usual = Limits::default();
    if !tight {
        return usual;
    }
    Limits {
        body_bytes_max: 16,
        unfinished_max: 2,
        unsettled_max: 3,
        unconfirmed_max: 3,
        consumers_max: 2,
        bytes_max: 64,
        ..usual
    }
}
