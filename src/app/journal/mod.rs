//! `hoptrail journal`: the commands on the journal of a stopped hoptrail.
//!
//! Owns how their answers look. What they do is the journal's and the recorder's.

mod check;
mod compact;
mod salvage;
mod stat;
mod view;

use crate::cli::{Color, Form, Journal, Page, print_json};
use crate::config::Config;

/// Carries out a command and prints its answer. `false`: a check has found damage.
///
/// # Errors
/// There is no journal, it is in use, or it could not be worked on.
pub fn journal(command: &Journal, mut config: Config, color: Color) -> anyhow::Result<bool> {
    let stopped = command.stopped();
    if let Some(dir) = &stopped.dir {
        config.journal.dir.clone_from(dir);
    }
    // What goes wrong in the background is told; what goes well is in the answer.
    config.log.filter = "warn".to_owned();
    super::start_logging(&config.log);
    let mut page = Page::new(color);
    let form = stopped.output;
    let sound = match command {
        Journal::Stat(_) => stat::stat(&config, form, &mut page)?,
        Journal::Check(_) => check::check(&config, form, &mut page)?,
        Journal::Salvage(_) => salvage::salvage(&config, form, &mut page)?,
        Journal::Compact(_) => compact::compact(&config, form, &mut page)?,
    };
    page.print()?;
    Ok(sound)
}

/// Prints a view as JSON, or has it put on the page.
fn show<V: serde::Serialize>(
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
