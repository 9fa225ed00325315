//! `hoptrail journal compact`: applies retention, and gives the rest less room.

use serde::Serialize;

use crate::cli::{Form, Page};
use crate::config::Config;
use crate::journal::{Change, What};

use super::repair::{self, Compacted};
use super::salvage::Saved;
use super::view::{show, size};

#[derive(Serialize)]
struct View {
    partitions: Vec<Partition>,
    bytes_before: u64,
    bytes_after: u64,
    /// Partitions that were damaged.
    salvaged: Vec<Saved>,
}

#[derive(Serialize)]
struct Partition {
    name: String,
    bytes_before: u64,
    /// None: the partition is gone.
    bytes_after: Option<u64>,
    done: String,
}

pub(super) fn compact(config: &Config, form: Form, page: &mut Page) -> anyhow::Result<bool> {
    let done = repair::compact(config)?;
    let (set_aside, changes) = (done.set_aside.iter().map(Saved::set_aside), done.changes.iter());
    let view = View {
        partitions: done.before.iter().map(|(name, bytes)| partition(name, *bytes, &done)).collect(),
        bytes_before: done.before.iter().map(|(_, bytes)| bytes).sum(),
        bytes_after: done.after.iter().map(|(_, bytes)| bytes).sum(),
        salvaged: set_aside.chain(changes.filter_map(Saved::change)).collect(),
    };
    show(form, &view, page, put)?;
    Ok(true)
}

/// The name without its generation, which alone changes when a partition is rewritten.
fn stem(name: &str) -> &str {
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

fn partition(name: &str, bytes_before: u64, done: &Compacted) -> Partition {
    let after = done.after.iter().find(|(other, _)| stem(other) == stem(name));
    let what: Vec<String> =
        done.changes.iter().filter(|change| stem(&change.partition) == stem(name)).map(words).collect();
    let done = if what.is_empty() { "left as it was".to_owned() } else { what.join(", ") };
    let name = after.map_or(name, |(name, _)| name).to_owned();
    Partition { name, bytes_before, bytes_after: after.map(|(_, bytes)| *bytes), done }
}

fn words(change: &Change) -> String {
    match &change.what {
        What::MovedDown(tier) => format!("rewritten, {tier} now"),
        What::Removed(cause) => format!("removed: {}", cause.words()),
        What::Compacted => "rewritten".to_owned(),
        What::Salvaged { .. } => "damaged, and saved as far as it can be read".to_owned(),
    }
}

fn put(view: &View, page: &mut Page) {
    let row = |part: &Partition| {
        let after = part.bytes_after.map(size).unwrap_or_default();
        vec![part.name.clone(), size(part.bytes_before), after, part.done.clone()]
    };
    let mut rows: Vec<Vec<String>> = view.partitions.iter().map(row).collect();
    rows.push(vec!["all".to_owned(), size(view.bytes_before), size(view.bytes_after), String::new()]);
    page.table(&["PARTITION", "BEFORE", "AFTER", "DONE"], rows);
    view.salvaged.iter().for_each(|saved| saved.put(page));
}
