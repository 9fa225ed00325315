//! `hoptrail journal salvage`: saves the readable events of damaged partitions.

use serde::Serialize;

use crate::cli::{Form, Page};
use crate::config::Config;
use crate::journal::{Change, Hole, SetAside, What};

use super::repair;
use super::view::{Range, show};

#[derive(Serialize)]
struct View {
    partitions: Vec<Saved>,
}

/// The outcome for one partition.
#[derive(Serialize)]
pub(super) struct Saved {
    /// The present directory of the damaged files.
    dir: String,
    why: String,
    events_saved: u64,
    events_lost: u64,
    lost: Vec<Range>,
}

impl Saved {
    pub(super) fn set_aside(aside: &SetAside) -> Saved {
        Self::new(aside.dir.display().to_string(), aside.reason.clone(), aside.salvaged, &aside.lost)
    }

    pub(super) fn change(change: &Change) -> Option<Saved> {
        let What::Salvaged { dir, salvaged, lost } = &change.what else { return None };
        let why = format!("partition {} was damaged", change.partition);
        Some(Self::new(dir.display().to_string(), why, *salvaged, lost))
    }

    fn new(dir: String, why: String, events_saved: u64, lost: &[Hole]) -> Saved {
        let events_lost = lost.iter().map(Hole::len).sum();
        Saved { dir, why, events_saved, events_lost, lost: lost.iter().map(Range::of).collect() }
    }

    pub(super) fn put(&self, page: &mut Page) {
        page.bad(&format!("{}: {}", self.dir, self.why));
        page.line(&format!("    {} events were saved, {} are lost", self.events_saved, self.events_lost));
        for range in &self.lost {
            page.line(&format!("    lost: {}", range.words()));
        }
    }
}

pub(super) fn salvage(config: &Config, form: Form, page: &mut Page) -> anyhow::Result<bool> {
    let set_aside = repair::salvage(config)?;
    let view = View { partitions: set_aside.iter().map(Saved::set_aside).collect() };
    show(form, &view, page, put)?;
    Ok(true)
}

fn put(view: &View, page: &mut Page) {
    view.partitions.iter().for_each(|saved| saved.put(page));
    if view.partitions.is_empty() {
        page.line("Nothing is damaged.");
    } else {
        page.line("What is lost is recorded as gaps. The damaged files stay until you remove them.");
    }
}
