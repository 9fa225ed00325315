//! The common parts of several answers.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use serde::{Serialize, Serializer};

use crate::cli::{Form, Page, print_json};
use crate::journal::{Count, Hole};
use crate::model::{Seq, Timestamp};
use crate::show::Words;

/// A range of events.
#[derive(Debug, Serialize)]
pub(super) struct Range {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    #[serde(serialize_with = "rfc3339")]
    pub(super) from: Timestamp,
    #[serde(serialize_with = "rfc3339")]
    pub(super) to: Timestamp,
}

impl Range {
    pub(super) fn new((first, last): (Seq, Seq), (from, to): (Timestamp, Timestamp)) -> Range {
        Range { first_seq: first.0, last_seq: last.0, from, to }
    }

    pub(super) fn of(hole: &Hole) -> Range {
        Range::new((*hole.seqs.start(), *hole.seqs.end()), (hole.from, hole.to))
    }

    /// The range for people: `seq 5 to 28, from … to …`.
    pub(super) fn words(&self) -> String {
        let words = Words::english();
        let (from, to) = (words.moment(self.from), words.moment(self.to));
        format!("seq {} to {}, from {from} to {to}", self.first_seq, self.last_seq)
    }
}

/// A moment in a table that says that its times are in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    Words::english().moment_bare(at)
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
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

/// Prints a view as JSON, or puts it on the page.
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
