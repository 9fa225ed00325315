//! How far the owner of a follower is, in a file: a follower goes on behind it after a restart.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::journal::{Reader, write_durably};
use crate::model::Seq;

/// Why a position cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write the position {}: {source}; after a restart events are handed on again that were done with. Is the disk \
     full, or read-only?",
    file.display()
)]
pub struct PositionError {
    /// The file.
    file: PathBuf,
    /// Why.
    source: io::Error,
}

/// The last event with which its owner is done. A cheap handle; a file, which is replaced as a whole.
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

    /// Keeps that everything up to `seq` is done with. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`PositionError`]; the position is as it was.
    pub fn keep(&self, seq: Seq) -> Result<(), PositionError> {
        let kept = Kept { journal: self.journal.clone(), seq: seq.0 };
        let written = serde_json::to_vec(&kept).map_err(io::Error::from);
        let written = written.and_then(|text| write_durably(&self.dir, &self.name, &text));
        written.map_err(|source| PositionError { file: self.dir.join(&self.name), source })
    }

    /// The position; `None` where none is kept, or not one of this journal.
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
