//! Whether a journal is what it has to be after a power loss.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hoptrail::journal::{Order, Reader, Writer};
use hoptrail::model::Seq;

use super::disk::Disk;
use super::workload;
use crate::events::Events;

/// Numbers looked up in the index.
const LOOKED_UP: u64 = 12;

/// What was promised before the power was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Promise {
    /// Events up to this one are there.
    pub held: u64,
    /// Marks are not older than this event.
    pub acked: u64,
    /// No event after this one is there.
    pub begun: u64,
    /// Retention takes what it takes when this event happens, and no more.
    pub tended: u64,
}

impl Promise {
    /// What the notes up to a point promise.
    pub fn at(disk: &Disk, point: usize) -> Promise {
        let mut promise = Promise::default();
        for (_, note) in disk.notes.iter().take_while(|(since, _)| *since <= point) {
            promise.add(note);
        }
        promise
    }

    fn add(&mut self, note: &str) {
        let (what, seq) = note.split_once(' ').expect("a word and a number");
        let seq = seq.parse().expect("a number");
        match what {
            "begun" => self.begun = seq,
            "acked" => (self.held, self.acked) = (seq, seq),
            "tended" => self.tended = seq,
            "opened" => self.held = seq,
            _ => panic!("the note {note:?} means nothing"),
        }
    }
}

/// Opens the journal, compares it with what was promised, appends to it, and opens it once more.
pub fn journal(dir: &Path, events: Events, promise: Promise) -> Result<(), String> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let last = open_and_append(dir, events, promise).map_err(|wrong| format!("after the loss: {wrong}"))?;
        let promise = Promise { held: last, acked: last, begun: last, ..promise };
        open_and_append(dir, events, promise).map_err(|wrong| format!("opened once more: {wrong}"))
    }));
    match checked {
        Ok(result) => result.map(drop),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("with no text")))
        }
    }
}

fn open_and_append(dir: &Path, events: Events, promise: Promise) -> Result<u64, String> {
    let (mut writer, reader, set_aside) =
        workload::open(dir).map_err(|error| format!("the journal does not open: {error}"))?;
    if !set_aside.is_empty() {
        return Err(format!("set aside: {set_aside:?}"));
    }
    let last = compare(&writer, &reader, events, promise)?;
    let mut batch = events.batch(last + 1);
    let end = last + batch.len() as u64;
    writer.append(&mut batch, &events.marks(end)).map_err(|error| format!("the journal does not go on: {error}"))?;
    compare(&writer, &reader, events, Promise { held: end, acked: end, begun: end, ..promise })
}

/// Compares what is there with what should be; gives the last number.
fn compare(writer: &Writer, reader: &Reader, events: Events, promise: Promise) -> Result<u64, String> {
    let last = reader.last_seq().0;
    if writer.last_seq().0 != last {
        return Err(format!("the writer ends at {}, the reader at {last}", writer.last_seq()));
    }
    if last < promise.held || last > promise.begun {
        return Err(format!("it ends at {last}, with {promise:?}"));
    }
    let left = scan(reader, events, last, promise.tended)?;
    let marked = Events::marked(writer.marks());
    if marked < promise.acked || marked > last {
        return Err(format!("the mark says {marked} where events end at {last}, with {promise:?}"));
    }
    count(reader, last)?;
    look_up(reader, events, last, &left)?;
    Ok(last)
}

/// Reads all events; gives the numbers of those that retention has left.
fn scan(reader: &Reader, events: Events, last: u64, tended: u64) -> Result<BTreeSet<u64>, String> {
    let (mut next, mut left) = (1, BTreeSet::new());
    let missing = |from, to| match (from..to).find(|seq| !events.taken(*seq, tended).1) {
        Some(seq) => Err(format!("event {seq} of {last} is not there")),
        None => Ok(()),
    };
    for event in reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending) {
        let event = event.map_err(|error| format!("an event from {next} on cannot be read: {error}"))?;
        let seq = event.seq.0;
        missing(next, seq)?;
        if event != events.event(seq) && Some(&event) != events.taken(seq, tended).0.as_ref() {
            return Err(format!("where {next} is next, there is {event:?} and not {:?}", events.event(seq)));
        }
        next = seq + 1;
        left.insert(seq);
    }
    missing(next, last + 1)?;
    Ok(left)
}

/// The statistics know of every event that ever was, partition by partition.
fn count(reader: &Reader, last: u64) -> Result<(), String> {
    let mut next = 1;
    for row in reader.statistics().map_err(|error| format!("the statistics cannot be read: {error}"))? {
        let counted: u64 = row.counts.iter().map(|count| count.count).sum();
        if row.first.0 != next || row.last.0 + 1 != next + counted {
            return Err(format!(
                "the statistics have {counted} from {} to {} where {next} is next",
                row.first, row.last
            ));
        }
        next += counted;
    }
    if next != last + 1 { Err(format!("the statistics end at {} and not at {last}", next - 1)) } else { Ok(()) }
}

/// Asks the index for some events, the last among them, and for one that was never there.
fn look_up(reader: &Reader, events: Events, last: u64, left: &BTreeSet<u64>) -> Result<(), String> {
    for part in 0..=LOOKED_UP {
        let seq = 1 + last.saturating_sub(1) * part / LOOKED_UP;
        for seq in [seq, last + 1] {
            let found = reader.find(&events.term(seq), Seq(0)..Seq(u64::MAX), Order::Ascending);
            let found: Result<Vec<u64>, _> = found.map(|event| event.map(|event| event.seq.0)).collect();
            let found = found.map_err(|error| format!("looking up {seq}: {error}"))?;
            if found != Vec::from_iter(left.get(&seq).copied()) {
                return Err(format!("looking up {seq} of {last} gives {found:?}"));
            }
        }
    }
    Ok(())
}
