//! The position of a follower's owner, in a file. After a restart, the follower goes on behind it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::journal::{Reader, write_durably};
use crate::model::Seq;

/// A position cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write the position {}: {source}; after a restart events are handed on again that were done with. Is the disk \
     full, or read-only?",
    file.display()
)]
pub struct PositionError {
    /// The file.
    file: PathBuf,
    /// The cause.
    source: io::Error,
}

/// The last event that its owner has finished. A cheap handle on a file, which is replaced as a whole.
#[derive(Clone, Debug)]
pub struct Position {
    dir: PathBuf,
    name: String,
    journal: String,
}

/// The file's content. A number means nothing without its journal.
#[derive(Serialize, Deserialize)]
struct Kept {
    journal: String,
    seq: u64,
}

impl Position {
    /// The position of this name in `dir`, which must be there, in the journal behind `reader`.
    #[must_use]
    pub fn new(dir: &Path, name: &str, reader: &Reader) -> Self {
        Position { dir: dir.to_owned(), name: format!("{name}.position"), journal: reader.journal_id().to_owned() }
    }

    /// Records that the owner has finished every event up to `seq`. The record is on the disk when this returns.
    ///
    /// # Errors
    /// [`PositionError`]; the position is unchanged.
    pub fn keep(&self, seq: Seq) -> Result<(), PositionError> {
        let kept = Kept { journal: self.journal.clone(), seq: seq.0 };
        let written = serde_json::to_vec(&kept).map_err(io::Error::from);
        let written = written.and_then(|text| write_durably(&self.dir, &self.name, &text));
        written.map_err(|source| PositionError { file: self.dir.join(&self.name), source })
    }

    /// The position; `None` if none is kept, or if it is not of this journal.
    pub(super) fn kept(&self) -> Option<Seq> {
        let file = self.dir.join(&self.name);
        let told = |error: &dyn std::fmt::Display| {
            warn!(file = %file.display(), %error, "the position of a follower cannot be read; it begins anew");
        };
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                told(&error);
                return None;
            }
        };
        let kept: Kept = serde_json::from_slice(&text).inspect_err(|error| told(error)).ok()?;
        if kept.journal != self.journal {
            told(&format_args!("it is of the journal {}", kept.journal));
            return None;
        }
        Some(Seq(kept.seq))
    }
}
