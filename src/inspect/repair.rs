//! Work on the journal of a stopped hoptrail: salvage and compaction. It records its work and its losses in the
//! journal, as a running hoptrail does.

use crate::clock;
use crate::config;
use crate::journal::{self, AppendError, Change, Damage, Keeper, SetAside, Writer};
use crate::model::Event;
use crate::record::{change_events, open_journal, policy};

/// The reason why the work on a journal failed.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Open(#[from] journal::OpenError),
    /// The work could not be recorded.
    #[error("what was done could not be recorded in the journal: {0}")]
    Append(#[from] AppendError),
    /// A partition could not be read or written.
    #[error("{0}; nothing is half done, and what is left can be done by repeating the command")]
    Work(#[from] std::io::Error),
}

/// The outcome of compacting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compacted {
    /// Partitions that could not be opened.
    pub set_aside: Vec<SetAside>,
    /// The changes that were made.
    pub changes: Vec<Change>,
    /// The partitions and their bytes before.
    pub before: Vec<(String, u64)>,
    /// The partitions and their bytes afterwards.
    pub after: Vec<(String, u64)>,
}

/// Checks everything, saves the readable events of damaged partitions, and records the rest as gaps. Gives the
/// partitions that were set aside.
///
/// # Errors
/// [`RepairError`].
pub fn salvage(config: &config::Config) -> Result<Vec<SetAside>, RepairError> {
    let found = journal::check(&config.journal.dir)?;
    // Salvage would leave a partition that is whole, and only stands in the wrong place, as it is.
    let damaged = found.problems.iter().filter(|problem| problem.damage != Damage::Foreign);
    let mut damaged: Vec<&str> = damaged.filter_map(|problem| problem.partition.as_deref()).collect();
    damaged.dedup();
    for partition in &damaged {
        journal::condemn(&config.journal.dir, partition)?;
    }
    let (_, _, set_aside) = open_journal(&config.journal)?;
    Ok(set_aside)
}

/// Applies retention as of now, and rewrites the partitions that were never rewritten. A partition that is not sealed
/// at the beginning stays as it is.
///
/// # Errors
/// [`RepairError`].
pub fn compact(config: &config::Config) -> Result<Compacted, RepairError> {
    journal::require(&config.journal.dir)?;
    let (mut writer, _reader, set_aside) = open_journal(&config.journal)?;
    let mut keeper = writer.keeper(policy(&config.journal.retention)).confined();
    let (before, mut changes) = (keeper.sizes(), Vec::new());
    while let Some(change) = next_change(&mut keeper)? {
        record(&mut writer, &change)?;
        changes.push(change);
    }
    Ok(Compacted { set_aside, changes, before, after: keeper.sizes() })
}

fn next_change(keeper: &mut Keeper) -> std::io::Result<Option<Change>> {
    match keeper.tend(clock::now(), &mut |_| true)? {
        Some(change) => Ok(Some(change)),
        None => keeper.compact(&mut |_| true),
    }
}

fn record(writer: &mut Writer, change: &Change) -> Result<(), AppendError> {
    let mut events: Vec<Event> = change_events(change);
    writer.append(&mut events, &[])
}
