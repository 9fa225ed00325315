//! What several answers have in common.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use serde::Serialize;

use crate::cli::{Form, Page, print_json};
use crate::journal::{Count, Hole};
use crate::model::{Seq, Timestamp};

/// A range of events.
#[derive(Debug, Serialize)]
pub(super) struct Range {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) from: String,
    pub(super) to: String,
}

impl Range {
    pub(super) fn new((first, last): (Seq, Seq), (from, to): (Timestamp, Timestamp)) -> Range {
        Range { first_seq: first.0, last_seq: last.0, from: from.to_string(), to: to.to_string() }
    }

    pub(super) fn of(hole: &Hole) -> Range {
        Range::new((*hole.seqs.start(), *hole.seqs.end()), (hole.from, hole.to))
    }

    /// For people: `seq 5 to 28, from … to …`.
    pub(super) fn words(&self) -> String {
        format!("seq {} to {}, from {} to {}", self.first_seq, self.last_seq, short(&self.from), short(&self.to))
    }
}

/// A time without what is smaller than a second.
pub(super) fn short(time: &str) -> String {
    let seconds: String = time.chars().take_while(|c| *c != '.').collect();
    format!("{}Z", seconds.trim_end_matches('Z').replace('T', " "))
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    ByteSize(bytes).to_string()
}

/// Sums by kind.
pub(super) fn by_kind<'a>(counts: impl IntoIterator<Item = &'a Count>) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    for row in counts {
        *sums.entry(row.kind.name()).or_default() += row.count;
    }
    sums
}

/// Prints a view as JSON, or has it put on the page.
pub(super) fn show<V: serde::Serialize>(
    form: Form,
    view: &V,
    page: &mut Page,
    put: impl FnOnce(&V, &mut Page),
) -> anyhow::Result<()> {
    match form {
        Form::Json => print_json(view)?,
        Form::Table => put(view, page),
    }
    Ok(())
}
