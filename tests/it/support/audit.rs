//! A publisher's ledger against the whole journal, again and again: what was confirmed is there, once, and what was
//! there before has not changed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use hoptrail::model::api::BodyView;
use serde::Deserialize;

use super::chance::Chance;
use super::hoptrail::Hoptrail;
use super::load::{self, Sendings, Sent};
use super::wait::{ensure, within};

/// Events of a page: the most that hoptrail gives.
const PAGE: usize = 10_000;
/// Both see every publish, and the broker keeps for both what is not acknowledged.
const SOURCES: [&str; 2] = ["binding", "firehose"];
/// What was published while nothing was recorded is recorded within this.
const CAUGHT_UP: Duration = Duration::from_secs(180);
/// Look-ups through the index, of messages and of orders each.
const LOOKUPS: usize = 25;
/// Messages named when something is wrong.
const NAMED_MAX: usize = 5;

/// What the checks so far have found.
pub struct Audit {
    /// The journal's directory.
    journal: PathBuf,
    /// The newest event of the last check, and the digest of all events up to it.
    seen: Option<(u64, blake3::Hash)>,
    /// Confirmed messages that a source has not recorded.
    pub lost: usize,
    /// Messages that a source has recorded more than once.
    pub twice: usize,
}

/// The fields that are looked at.
#[derive(Deserialize)]
struct Row {
    seq: u64,
    source: String,
    kind: String,
    message_id: Option<String>,
    order_id: Option<String>,
    body: Option<BodyView>,
    gap: Option<Gap>,
}

#[derive(Deserialize)]
struct Gap {
    source: String,
    cause: String,
}

/// A reading of the whole journal.
struct Reading {
    last: u64,
    hasher: blake3::Hasher,
    /// How often each message was recorded, by source.
    recorded: [(&'static str, Vec<u32>); SOURCES.len()],
    /// Events of each order.
    orders: HashMap<String, usize>,
}

impl Audit {
    pub fn new(journal: PathBuf) -> Audit {
        Audit { journal, seen: None, lost: 0, twice: 0 }
    }

    /// Waits until all that was sent has to be recorded, reads the whole journal and compares it with what was sent.
    pub async fn check(&mut self, hoptrail: &Hoptrail, sendings: &Sendings, chance: &mut Chance) -> Result<(), String> {
        let sent = sendings.all();
        caught_up(hoptrail, &sent).await;
        let reading = self.read(hoptrail, &sent).await?;
        self.compare(&sent, &reading)?;
        look_up(hoptrail, &reading, chance).await?;
        self.seen = Some((reading.last, reading.hasher.finalize()));
        self.nothing_set_aside()
    }

    /// Partitions in the journal, and how many of them were rewritten.
    pub fn partitions(&self) -> (usize, usize) {
        let mut names = self.names();
        names.retain(|name| name.starts_with(|first: char| first.is_ascii_digit()));
        (names.len(), names.iter().filter(|name| name.contains('.')).count())
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.journal).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// No database of the journal was set aside.
    pub fn nothing_set_aside(&self) -> Result<(), String> {
        let names = self.names();
        ensure(!names.iter().any(|name| name.ends_with(".damaged")), || format!("a database was set aside: {names:?}"))
    }

    /// The number of the newest event that was looked at.
    pub fn last(&self) -> u64 {
        self.seen.map_or(0, |(last, _)| last)
    }

    async fn read(&self, hoptrail: &Hoptrail, sent: &[Sent]) -> Result<Reading, String> {
        let recorded = SOURCES.map(|source| (source, vec![0; sent.len()]));
        let mut reading = Reading { last: 0, hasher: blake3::Hasher::new(), recorded, orders: HashMap::new() };
        let mut next = Some(format!("/api/v1/events?order=asc&format=ndjson&limit={PAGE}"));
        while let Some(path) = next {
            let answer = hoptrail.get(&path).await;
            ensure(answer.status == 200, || format!("{path} answered {}: {}", answer.status, answer.text))?;
            ensure(answer.warning.is_none(), || format!("{path}: {:?}", answer.warning))?;
            for line in answer.text.lines() {
                reading.take(line, sent)?;
                if let Some((last, digest)) = self.seen
                    && last == reading.last
                {
                    let same = reading.hasher.finalize() == digest;
                    ensure(same, || format!("the events up to {last} are not what they were"))?;
                }
            }
            next = answer.next;
        }
        let before = self.last();
        ensure(reading.last >= before, || format!("the journal ends with {}, and ended with {before}", reading.last))?;
        Ok(reading)
    }

    fn compare(&mut self, sent: &[Sent], reading: &Reading) -> Result<(), String> {
        let (mut lost, mut twice) = (Vec::new(), Vec::new());
        for (source, counts) in &reading.recorded {
            let with = |wanted: fn(u32, &Sent) -> bool| {
                let found = counts.iter().zip(sent).enumerate().filter(move |(_, (count, sent))| wanted(**count, sent));
                found.map(move |(number, _)| format!("{} by {source}", load::message_id(number)))
            };
            lost.extend(with(|count, sent| count == 0 && sent.confirmed));
            twice.extend(with(|count, _| count > 1));
        }
        (self.lost, self.twice) = (lost.len(), twice.len());
        let right = lost.is_empty() && twice.is_empty();
        ensure(right, || {
            let some = |list: &[String]| list[..list.len().min(NAMED_MAX)].join(", ");
            format!("{} lost: {}; {} recorded twice: {}", lost.len(), some(&lost), twice.len(), some(&twice))
        })
    }
}

impl Reading {
    fn take(&mut self, line: &str, sent: &[Sent]) -> Result<(), String> {
        let row: Row = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
        let expected = self.last + 1;
        ensure(row.seq == expected, || format!("event {} stands where {expected} belongs", row.seq))?;
        self.last = row.seq;
        // What is no longer hot has lost its body, and nothing else.
        self.hasher.update(line.replace(r#","truncated":true"#, "").as_bytes()).update(b"\n");
        if let Some(gap) = &row.gap {
            // Of itself hoptrail tells only what it has lost.
            ensure(gap.source != "hoptrail" && !gap.cause.contains("was full"), || gap.cause.clone())?;
        }
        if let Some(order) = row.order_id {
            *self.orders.entry(order).or_default() += 1;
        }
        let known = self.recorded.iter_mut().find(|(source, _)| *source == row.source);
        let Some((_, counts)) = known.filter(|_| matches!(&*row.kind, "publish" | "unroutable")) else { return Ok(()) };
        let Some(number) = row.message_id.as_deref().and_then(load::number_of) else { return Ok(()) };
        ensure(number < sent.len(), || format!("event {expected} was never sent: {line}"))?;
        let bytes = row.body.map_or(0, |body| body.bytes);
        ensure(bytes == sent[number].bytes, || format!("{} bytes were sent: {line}", sent[number].bytes))?;
        counts[number] += 1;
        Ok(())
    }
}

/// Each queue is in order: when the last message is recorded, so are all before it.
async fn caught_up(hoptrail: &Hoptrail, sent: &[Sent]) {
    let Some(last) = sent.len().checked_sub(1).map(load::message_id) else { return };
    within(CAUGHT_UP, "the last message is recorded", async || {
        let found = hoptrail.events(&format!("&kind=publish&message_id={last}")).await;
        let missing = SOURCES.iter().find(|source| !found.iter().any(|event| event.source.as_ref() == **source));
        ensure(missing.is_none(), || format!("{last} is not recorded by {missing:?}"))
    })
    .await;
}

/// Asks for some messages and orders, which the index has to lead to.
async fn look_up(hoptrail: &Hoptrail, reading: &Reading, chance: &mut Chance) -> Result<(), String> {
    let below = |chance: &mut Chance, end: usize| usize::try_from(chance.below(end as u64)).unwrap();
    let count = reading.recorded[0].1.len();
    for _ in 0..LOOKUPS.min(count) {
        let number = below(chance, count);
        let id = load::message_id(number);
        let expected = reading.recorded.iter().map(|(_, counts)| counts[number] as usize).sum();
        same(hoptrail, &format!("&message_id={id}&kind=publish"), expected).await?;
        let order = load::order_id(number);
        let expected = reading.orders.get(&order).copied().unwrap_or(0);
        same(hoptrail, &format!("&order_id={order}"), expected).await?;
    }
    Ok(())
}

async fn same(hoptrail: &Hoptrail, query: &str, expected: usize) -> Result<(), String> {
    let found = hoptrail.events(query).await.len();
    ensure(found == expected, || format!("{query} finds {found} events, and {expected} are in the journal"))
}
