//! `hoptrail journal check`: whether a journal is sound.

use serde::Serialize;

use crate::cli::{Form, Page};
use crate::config::Config;
use crate::journal::{self, Problem};

use super::view::{Range, show};

#[derive(Serialize)]
struct View {
    sound: bool,
    partitions: usize,
    events: u64,
    problems: Vec<Found>,
    /// Ranges that earlier starts have found lost.
    known_lost: Vec<Range>,
}

#[derive(Serialize)]
struct Found {
    partition: Option<String>,
    range: Option<Range>,
    damage: &'static str,
    what: String,
    what_to_do: &'static str,
}

pub(super) fn check(config: &Config, form: Form, page: &mut Page) -> anyhow::Result<bool> {
    let report = journal::check(&config.journal.dir)?;
    let view = View {
        sound: report.problems.is_empty(),
        partitions: report.partitions,
        events: report.events,
        problems: report.problems.into_iter().map(found).collect(),
        known_lost: report.lost.iter().map(Range::of).collect(),
    };
    show(form, &view, page, put)?;
    Ok(view.sound)
}

fn found(problem: Problem) -> Found {
    let seqs = problem.seqs.map(|seqs| (*seqs.start(), *seqs.end()));
    Found {
        partition: problem.partition,
        range: seqs.zip(problem.times).map(|(seqs, times)| Range::new(seqs, times)),
        damage: problem.damage.name(),
        what: problem.what,
        what_to_do: problem.damage.advice(),
    }
}

fn put(view: &View, page: &mut Page) {
    for found in &view.problems {
        let place =
            found.partition.as_ref().map_or_else(|| "the journal".to_owned(), |name| format!("partition {name}"));
        let range = found.range.as_ref().map(|range| format!(", {}", range.words())).unwrap_or_default();
        page.bad(&format!("{place}{range}: {}", found.what));
        page.line(&format!("    {}", found.what_to_do));
    }
    for lost in &view.known_lost {
        page.line(&format!("known to be lost: {}", lost.words()));
    }
    let read = format!("{} partitions with {} events were read", view.partitions, view.events);
    match view.problems.len() {
        0 => page.line(&format!("The journal is sound: {read}.")),
        1 => page.line(&format!("1 problem was found; {read}.")),
        count => page.line(&format!("{count} problems were found; {read}.")),
    }
}
