//! Whether a damaged journal says what is left of it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hoptrail::journal::{Hole, Order, Reader, What};
use hoptrail::model::{Event, Seq};

use super::journal::{self, Sound, TENDED};
use crate::events::{Events, at, policy};
use crate::tree::Tree;

/// Numbers asked for one by one.
const ASKED: u64 = 60;
/// A damage that is met while reading is mended by the keeper; each mends one partition.
const MENDED_MAX: usize = 20;

/// Opens the damaged journal, reads it, has it mended, reads it again, and opens it once more. What came of it, in a
/// word.
pub fn journal(damaged: &Tree, sound: &Sound) -> Result<&'static str, String> {
    let checked = catch_unwind(AssertUnwindSafe(|| survives(damaged, sound)));
    checked.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("with no text")))
    })
}

fn survives(damaged: &Tree, sound: &Sound) -> Result<&'static str, String> {
    let scratch = tempfile::tempdir().expect("a directory");
    damaged.write(scratch.path());
    let mut holes = Vec::new();
    let (writer, reader, set_aside) =
        journal::open(scratch.path()).map_err(|error| format!("it does not open: {error}"))?;
    holes.extend(set_aside.iter().flat_map(|aside| aside.lost.clone()));
    let met = first_look(&reader, sound, &holes).map_err(|wrong| format!("at first: {wrong}"))?;
    journal::settle(&reader);
    let mut keeper = writer.keeper(policy());
    for _ in 0..MENDED_MAX {
        // What cannot be done is due again; a restart does it otherwise.
        let Ok(Some(change)) = keeper.tend(at(TENDED), &mut |_| true) else { break };
        match change.what {
            What::Salvaged { lost, .. } => holes.extend(lost),
            // That it had moved down stood in what is damaged; moving once more changes nothing.
            What::MovedDown(_) => {}
            other => return Err(format!("the keeper did something else: {other:?}")),
        }
    }
    drop((writer, reader, keeper));
    let (mut writer, reader, aside_again) =
        journal::open(scratch.path()).map_err(|error| format!("it does not open again: {error}"))?;
    holes.extend(aside_again.iter().flat_map(|aside| aside.lost.clone()));
    second_look(&reader, sound, &holes).map_err(|wrong| format!("mended, with {holes:?} reported: {wrong}"))?;
    let last = reader.last_seq().0;
    if last != sound.last {
        return Err(format!("it ends at {last} and not at {}, so that numbers are given out twice", sound.last));
    }
    let events = Events { seed: 8 };
    let mut batch = events.batch(last + 1);
    writer.append(&mut batch, &[]).map_err(|error| format!("it does not go on: {error}"))?;
    drop((writer, reader));
    let (_writer, reader, told_again) =
        journal::open(scratch.path()).map_err(|error| format!("it does not open a third time: {error}"))?;
    if !told_again.is_empty() {
        return Err(format!("it is still damaged: {told_again:?}"));
    }
    let expected = last + batch.len() as u64;
    if reader.last_seq().0 != expected {
        return Err(format!("it ends at {} and not at {expected}", reader.last_seq()));
    }
    Ok(match (holes.is_empty(), set_aside.is_empty() && aside_again.is_empty(), met) {
        (true, true, false) => "nothing came of it",
        (true, true, true) => "met and mended",
        (true, false, _) => "set aside and saved whole",
        (false, true, _) => "met, and lost in part",
        (false, false, _) => "set aside, and lost in part",
    })
}

/// Before anything is mended: what is given is right, and what is not given is reported or an error. `true`: there was
/// an error.
fn first_look(reader: &Reader, sound: &Sound, holes: &[Hole]) -> Result<bool, String> {
    let (mut given, mut has_error) = (BTreeSet::new(), false);
    for event in reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending) {
        match event {
            Ok(event) if sound.events.get(&event.seq.0) == Some(&event) => given.insert(event.seq.0),
            Ok(event) => return Err(format!("wrong: {event:?}")),
            Err(_) => {
                has_error = true;
                continue;
            }
        };
    }
    for (seq, event) in sample(&sound.events) {
        if !given.contains(seq) && !has_error && !is_in(holes, *seq) {
            return Err(format!("{seq} is not there, without a word"));
        }
        has_error |= one_by_one(reader, *seq, event, is_in(holes, *seq))?;
    }
    Ok(has_error)
}

/// Asks for an event by its number and by its id. `true`: the answer was an error.
fn one_by_one(reader: &Reader, seq: u64, event: &Event, is_lost: bool) -> Result<bool, String> {
    let by_number = reader.event(Seq(seq));
    match &by_number {
        Ok(Some(found)) if found != event => return Err(format!("asked for {seq}, it gives {found:?}")),
        Ok(None) if !is_lost => return Err(format!("asked for {seq}, it says that there is none")),
        _ => {}
    }
    let term = Events { seed: 7 }.term(seq);
    let by_id: Result<Vec<Event>, _> = reader.find(&term, Seq(0)..Seq(u64::MAX), Order::Descending).collect();
    match &by_id {
        Ok(found) if found.iter().any(|found| found != event) => {
            return Err(format!("asked for the id of {seq}, it gives {found:?}"));
        }
        Ok(found) if found.len() != 1 && !is_lost => {
            return Err(format!("asked for the id of {seq}, it gives {} events", found.len()));
        }
        _ => {}
    }
    Ok(by_number.is_err() || by_id.is_err())
}

/// After everything was mended: exactly what was reported is missing, and nothing is an error.
fn second_look(reader: &Reader, sound: &Sound, holes: &[Hole]) -> Result<(), String> {
    let found: Result<Vec<Event>, _> = reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).collect();
    let found: BTreeMap<u64, Event> = found
        .map_err(|error| format!("it cannot be read: {error}"))?
        .into_iter()
        .map(|event| (event.seq.0, event))
        .collect();
    for (seq, event) in &sound.events {
        match found.get(seq) {
            Some(found) if found != event => return Err(format!("{seq} is {found:?} and was {event:?}")),
            Some(_) if is_in(holes, *seq) => return Err(format!("{seq} is there, and was reported as lost")),
            None if !is_in(holes, *seq) => return Err(format!("{seq} is not there, and that was not reported")),
            _ => {}
        }
    }
    if let Some(seq) = found.keys().find(|seq| !sound.events.contains_key(seq)) {
        return Err(format!("{seq} is there, and never was"));
    }
    for (seq, event) in sample(&sound.events) {
        if one_by_one(reader, *seq, event, is_in(holes, *seq))? {
            return Err(format!("asked for {seq}, it has an error"));
        }
    }
    Ok(())
}

fn is_in(holes: &[Hole], seq: u64) -> bool {
    holes.iter().any(|hole| hole.seqs.contains(&Seq(seq)))
}

fn sample(events: &BTreeMap<u64, Event>) -> impl Iterator<Item = (&u64, &Event)> {
    let step = (events.len() as u64 / ASKED).max(1) as usize;
    events.iter().step_by(step)
}
