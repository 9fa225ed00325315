//! Whether a journal is what it has to be after a power loss.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hoptrail::journal::{Order, Reader, Writer};
use hoptrail::model::Seq;

use super::disk::Disk;
use super::events::Events;
use super::workload;

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
            "opened" => self.held = seq,
            _ => panic!("the note {note:?} means nothing"),
        }
    }
}

/// Opens the journal, compares it with what was promised, appends to it, and opens it once more.
pub fn journal(dir: &Path, events: Events, promise: Promise) -> Result<(), String> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let last = open_and_append(dir, events, promise).map_err(|wrong| format!("after the loss: {wrong}"))?;
        let promise = Promise { held: last, acked: last, begun: last };
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
    compare(&writer, &reader, events, Promise { held: end, acked: end, begun: end })
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
    let mut next = 1;
    for event in reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending) {
        let event = event.map_err(|error| format!("event {next} cannot be read: {error}"))?;
        let expected = events.event(next);
        if event != expected {
            return Err(format!("event {next} is {event:?} and should be {expected:?}"));
        }
        next += 1;
    }
    if next != last + 1 {
        return Err(format!("it holds events up to {} and says {last}", next - 1));
    }
    let marked = Events::marked(writer.marks());
    if marked < promise.acked || marked > last {
        return Err(format!("the mark says {marked} where events end at {last}, with {promise:?}"));
    }
    look_up(reader, events, last)?;
    Ok(last)
}

/// Asks the index for some events, the last among them, and for one that is not there.
fn look_up(reader: &Reader, events: Events, last: u64) -> Result<(), String> {
    for part in 0..=LOOKED_UP {
        let seq = 1 + last.saturating_sub(1) * part / LOOKED_UP;
        for (seq, expected) in [(seq, (last > 0).then_some(Seq(seq))), (last + 1, None)] {
            let found = reader.find(&events.term(seq), Seq(0)..Seq(u64::MAX), Order::Ascending);
            let found: Result<Vec<Seq>, _> = found.map(|event| event.map(|event| event.seq)).collect();
            let found = found.map_err(|error| format!("looking up {seq}: {error}"))?;
            if found != Vec::from_iter(expected) {
                return Err(format!("looking up {seq} of {last} gives {found:?}"));
            }
        }
    }
    Ok(())
}
