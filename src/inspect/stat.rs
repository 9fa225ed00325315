//! `hoptrail journal stat`: the content of a journal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::{Form, Page};
use crate::config::Config;
use crate::journal::{self, Gone, PartStat};

use super::view::{Range, by_kind, moment, show, size};

#[derive(Serialize)]
struct View {
    dir: String,
    journal_id: String,
    format: u64,
    partitions: Vec<Partition>,
    /// Events of the partitions that are kept, counted as they were recorded.
    events: u64,
    bytes: u64,
    events_by_kind: BTreeMap<&'static str, u64>,
    removed: Vec<Removed>,
}

#[derive(Serialize)]
struct Partition {
    name: String,
    state: String,
    range: Option<Range>,
    events_recorded: u64,
    events_lost: u64,
    bytes: u64,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Removed {
    range: Range,
    cause: journal::Cause,
    why: &'static str,
    events: u64,
    events_by_kind: BTreeMap<&'static str, u64>,
}

pub(super) fn stat(config: &Config, form: Form, page: &mut Page) -> anyhow::Result<bool> {
    let stat = journal::stat(&config.journal.dir)?;
    let view = View {
        dir: config.journal.dir.display().to_string(),
        journal_id: stat.id,
        format: stat.format,
        events: stat.partitions.iter().map(PartStat::events).sum(),
        bytes: stat.partitions.iter().map(|part| part.bytes).sum(),
        events_by_kind: by_kind(stat.partitions.iter().flat_map(|part| &part.counts)),
        partitions: stat.partitions.into_iter().map(partition).collect(),
        removed: stat.removed.iter().map(removed).collect(),
    };
    show(form, &view, page, put)?;
    Ok(true)
}

fn partition(part: PartStat) -> Partition {
    Partition {
        events_recorded: part.events(),
        range: part.seqs.zip(part.times).map(|(seqs, times)| Range::new(seqs, times)),
        name: part.name,
        state: part.state,
        events_lost: part.lost,
        bytes: part.bytes,
        problem: part.problem,
    }
}

fn removed(gone: &Gone) -> Removed {
    let events = gone.counts.iter().map(|row| row.count).sum();
    let (range, events_by_kind) = (Range::new(gone.seqs, gone.times), by_kind(&gone.counts));
    Removed { range, cause: gone.cause, why: gone.cause.words(), events, events_by_kind }
}

fn put(view: &View, page: &mut Page) {
    page.line(&format!("journal {} (format {}) in {}", view.journal_id, view.format, view.dir));
    page.line("");
    let cells = |range: &Option<Range>| match range {
        Some(Range { first_seq, last_seq, from, to }) => {
            [first_seq.to_string(), last_seq.to_string(), moment(*from), moment(*to)]
        }
        None => Default::default(),
    };
    let row = |part: &Partition| {
        let [first, last, from, to] = cells(&part.range);
        let lost = if part.events_lost > 0 { part.events_lost.to_string() } else { String::new() };
        let (name, state) = (part.name.clone(), part.state.clone());
        vec![name, state, first, last, from, to, part.events_recorded.to_string(), lost, size(part.bytes)]
    };
    let mut rows: Vec<Vec<String>> = view.partitions.iter().map(row).collect();
    let blank = String::new;
    let (events, bytes) = (view.events.to_string(), size(view.bytes));
    rows.push(vec!["all".to_owned(), blank(), blank(), blank(), blank(), blank(), events, blank(), bytes]);
    let headers = ["PARTITION", "STATE", "FIRST", "LAST", "FROM (UTC)", "TO (UTC)", "RECORDED", "LOST", "SIZE"];
    page.table(&headers, rows);
    for part in &view.partitions {
        if let Some(problem) = &part.problem {
            page.bad(&format!("{}: {problem}; `hoptrail journal check` tells more", part.name));
        }
    }
    if !view.events_by_kind.is_empty() {
        page.line("");
        let rows = view.events_by_kind.iter().map(|(kind, count)| vec![(*kind).to_owned(), count.to_string()]);
        page.table(&["KIND", "RECORDED"], rows.collect());
    }
    if !view.removed.is_empty() {
        page.line("");
        let row = |removed: &Removed| {
            let Range { first_seq, last_seq, from, to } = &removed.range;
            let numbers = [first_seq.to_string(), last_seq.to_string()];
            let rest = [moment(*from), moment(*to), removed.events.to_string(), removed.why.to_owned()];
            numbers.into_iter().chain(rest).collect()
        };
        page.table(
            &["REMOVED", "LAST", "FROM (UTC)", "TO (UTC)", "RECORDED", "WHY"],
            view.removed.iter().map(row).collect(),
        );
    }
}
