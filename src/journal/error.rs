//! The errors of the journal, an enum for each operation.

use std::path::PathBuf;

use crate::model::Seq;

/// The reason that a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made, read or written.
    #[error("cannot use the journal directory {}: {source}; check that it exists and may be written", dir.display())]
    Directory {
        /// The journal's directory.
        dir: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process has the journal open.
    #[error("the journal {} is in use by another hoptrail; stop it, or set another journal.dir", dir.display())]
    InUse {
        /// The journal's directory.
        dir: PathBuf,
    },
    /// A later version wrote the journal.
    #[error(
        "the journal {} has format {found}, and this hoptrail knows formats up to {known}; run the newer version",
        dir.display()
    )]
    Newer {
        /// The journal's directory.
        dir: PathBuf,
        /// The journal's format.
        found: u64,
        /// The newest format known.
        known: u64,
    },
    /// The directory holds something other than a journal.
    #[error("{} is not a journal: {reason}; set journal.dir to a directory of its own", dir.display())]
    NotAJournal {
        /// The journal's directory.
        dir: PathBuf,
        /// The reason that the directory is not a journal.
        reason: String,
    },
    /// The newest database cannot be used, and could not be set aside either.
    #[error("the database {} cannot be used: {source}", dir.display())]
    Database {
        /// The database's directory.
        dir: PathBuf,
        /// The cause.
        source: ReadError,
    },
}

impl OpenError {
    /// The error over a database in the form that versions before the first release made.
    pub(super) fn unreleased(dir: &std::path::Path, path: &std::path::Path) -> Self {
        let reason = format!("{} was written by a version before the first release", path.display());
        OpenError::NotAJournal { dir: dir.to_owned(), reason }
    }

    /// Turns the error of an append at the start into an error of opening the journal.
    #[must_use]
    pub fn from_append(dir: &std::path::Path, error: AppendError) -> Self {
        OpenError::Directory { dir: dir.to_owned(), source: std::io::Error::other(error) }
    }
}

/// The reason that events were not recorded. After any error but [`AppendError::Full`] the journal takes no more
/// events.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// An earlier append failed.
    #[error("the journal takes no more events since an earlier failure; restart hoptrail")]
    Poisoned,
    /// The disk is full, or so slow that the index is far behind. The caller appends the same events again.
    #[error("the journal waits for room on its disk: {what}{}", source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default())]
    Full {
        /// The part that could not be written, or the obstacle, in words.
        what: std::borrow::Cow<'static, str>,
        /// The underlying error of input or output, if there is one.
        source: Option<std::io::Error>,
    },
    /// The database refused the batch.
    #[error("sled could not write a batch: {0}")]
    Batch(sled::Error),
    /// The index can no longer be written.
    #[error("the index can no longer be written: {0}")]
    Index(String),
    /// A database could not be opened again.
    #[error("the newest database could not be opened again: {0}")]
    Reopen(ReadError),
    /// The file could not be synced.
    #[error("the journal's file could not be synced to disk: {0}")]
    Sync(std::io::Error),
    /// The database of a new partition could not be made.
    #[error("cannot begin a partition: {0}")]
    NewPart(Box<OpenError>),
}

impl From<sled::Error> for AppendError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(source) if is_full(&source) => {
                AppendError::Full { what: "a batch".into(), source: Some(source) }
            }
            error => AppendError::Batch(error),
        }
    }
}

impl From<OpenError> for AppendError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Database { source: ReadError::Database(sled::Error::Io(source)), .. } if is_full(&source) => {
                AppendError::Full { what: "a new partition".into(), source: Some(source) }
            }
            OpenError::Directory { source, .. } if is_full(&source) => {
                AppendError::Full { what: "a new partition".into(), source: Some(source) }
            }
            error => AppendError::NewPart(Box::new(error)),
        }
    }
}

impl AppendError {
    /// The error over an end file that cannot be written. The events are durable; their next append finds them.
    pub(super) fn end(error: std::io::Error) -> Self {
        if is_full(&error) {
            return AppendError::Full { what: "the end file".into(), source: Some(error) };
        }
        AppendError::Sync(error)
    }

    /// The error over a database that cannot be opened again. A reader keeps the database locked until it is done.
    pub(super) fn reopen(error: ReadError) -> Self {
        match error {
            ReadError::Database(sled::Error::Io(source)) if is_locked(&source) || is_full(&source) => {
                AppendError::Full { what: "the newest partition".into(), source: Some(source) }
            }
            error => AppendError::Reopen(error),
        }
    }
}

/// Whether the database's lock is taken. sled wraps the error of its lock in a text.
pub(super) fn is_locked(error: &std::io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// Whether the disk is full, or the quota is used up.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    // sled passes some errors on as texts.
    matches!(error.kind(), StorageFull | QuotaExceeded) || error.to_string().contains("No space left on device")
}

impl ReadError {
    /// Whether the bytes read are not the bytes written. Other errors may pass.
    pub(super) fn is_damage(&self) -> bool {
        use ReadError::{Block, Condemned, Database, Gone, Index, Newer, NewerRun, Run, Short};
        match self {
            Block { .. } | Condemned | Index { .. } | Run { .. } | Short { .. } => true,
            Database(error) => !matches!(error, sled::Error::Io(_)),
            Gone { .. } | Newer { .. } | NewerRun { .. } => false,
        }
    }
}

/// The reason that events cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The database failed.
    #[error("sled could not read: {0}")]
    Database(#[from] sled::Error),
    /// A block does not hold the bytes that were written.
    #[error("the block at seq {seq} is damaged: {reason}")]
    Block {
        /// First number of the block.
        seq: Seq,
        /// The mismatch.
        reason: &'static str,
    },
    /// A run file cannot be read. The blocks from which it was made are readable.
    #[error("the index file {} is damaged: {reason}; it is built again from the events it names, see `hoptrail journal check`", path.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// The defect of the file.
        reason: String,
    },
    /// A later version wrote a run file.
    #[error("the index file {} has format {found}, and this hoptrail knows formats up to {known}", path.display())]
    NewerRun {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u8,
        /// The newest format known.
        known: u8,
    },
    /// A partition's database is no longer there.
    #[error("the database in {} is not there", dir.display())]
    Gone {
        /// The partition's directory.
        dir: PathBuf,
    },
    /// A check has found that the partition is damaged.
    #[error("a check has found it damaged")]
    Condemned,
    /// A mark, a head, a block key or the string table does not hold the bytes that were written.
    #[error("the journal's {what} is damaged")]
    Index {
        /// The damaged part.
        what: &'static str,
    },
    /// The database ends before events that were recorded in it.
    #[error("the database ends at seq {found}, though events up to {recorded} were recorded in it")]
    Short {
        /// The last number in the database.
        found: Seq,
        /// The last number that was recorded.
        recorded: Seq,
    },
    /// A later version wrote the block.
    #[error("the block at seq {seq} has format {found}, and this hoptrail knows formats up to {known}")]
    Newer {
        /// First number of the block.
        seq: Seq,
        /// The block's format.
        found: u8,
        /// The newest format known.
        known: u8,
    },
}
