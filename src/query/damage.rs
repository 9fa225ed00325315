//! Blocks that cannot be read: the rest is answered, and the answer says that something is left out.

use crate::journal::ReadError;

/// Blocks that one answer leaves out. With more, the journal is broken rather than damaged, and there is no answer.
const LEFT_OUT_MAX: usize = 100;

/// An answer, and the damage that it leaves out.
#[derive(Debug)]
pub struct Answer<T> {
    /// The answer.
    pub view: T,
    /// The damage that it leaves out.
    pub left_out: Damage,
}

/// The parts of the journal that an answer leaves out.
#[derive(Debug, Default, PartialEq)]
pub struct Damage {
    left_out: usize,
}

impl Damage {
    /// Leaves out a block that could not be read, unless too many are left out already.
    pub(super) fn note(&mut self, error: ReadError) -> Result<(), ReadError> {
        self.left_out += 1;
        if self.left_out > LEFT_OUT_MAX {
            return Err(error);
        }
        tracing::error!(%error, "a damaged part of the journal was left out of an answer");
        Ok(())
    }

    /// The damage in a sentence; `None`: nothing is left out.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let count = self.left_out;
        (count > 0).then(|| format!("{count} damaged parts of the journal were left out; hoptrail's log names them"))
    }
}
