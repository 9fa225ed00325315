//! One command, from its words to its answer.

use crate::cli::{Color, Journal, Page};
use crate::config::Config;
use crate::logging;

use super::{check, compact, salvage, stat};

/// Carries out a command and prints its answer. `false`: a check has found damage.
///
/// # Errors
/// There is no journal, it is in use, or the work on it failed.
pub fn run(command: &Journal, mut config: Config, color: Color) -> anyhow::Result<bool> {
    let stopped = command.stopped();
    if let Some(dir) = &stopped.dir {
        config.journal.dir.clone_from(dir);
    }
    // The log names only faults of the background; the answer has its successes.
    config.log.filter = "warn".to_owned();
    logging::start(&config.log);
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
