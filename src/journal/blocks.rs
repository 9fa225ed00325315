//! The blocks of a partition: read through sled, or at their places in the file.

use std::sync::Arc;

use crate::model::Seq;

use super::block::{Header, Opened, Opener};
use super::error::ReadError;
use super::sealed::SealedStore;
use super::store::Store;

/// The blocks of a partition. They stay readable while this is held, even if the partition is rewritten or removed.
#[derive(Clone)]
pub(super) enum Blocks {
    /// Blocks that are read through sled.
    Open(Arc<Store>),
    /// Blocks that are read at their places in the file.
    Sealed(Arc<SealedStore>),
}

impl Blocks {
    /// The first numbers of all blocks, in order.
    pub(super) fn starts(&self) -> Result<Vec<Seq>, ReadError> {
        match self {
            Blocks::Open(store) => store.starts(),
            Blocks::Sealed(store) => Ok(store.starts()),
        }
    }

    /// First and last number of the block that holds `seq`, or of the first one after it.
    pub(super) fn at_or_after(&self, seq: Seq) -> Result<Option<(Seq, Seq)>, ReadError> {
        match self {
            Blocks::Open(store) => store.at_or_after(seq),
            Blocks::Sealed(store) => Ok(store.at_or_after(seq)),
        }
    }

    /// First and last number of the block that holds `seq`, or of the last one before it.
    pub(super) fn at_or_before(&self, seq: Seq) -> Result<Option<(Seq, Seq)>, ReadError> {
        match self {
            Blocks::Open(store) => store.at_or_before(seq),
            Blocks::Sealed(store) => Ok(store.at_or_before(seq)),
        }
    }

    /// The header of the block that holds `seq`, or of the last one before it.
    pub(super) fn header_at_or_before(&self, seq: Seq) -> Result<Option<Header>, ReadError> {
        match self {
            Blocks::Open(store) => store.header_at_or_before(seq),
            Blocks::Sealed(store) => store.header_at_or_before(seq),
        }
    }

    /// Reads and decodes the block that begins at `first`.
    pub(super) fn block(&self, first: Seq, opener: &mut Opener) -> Result<Opened, ReadError> {
        match self {
            Blocks::Open(store) => store.block(first, opener),
            Blocks::Sealed(store) => store.block(first, opener),
        }
    }
}
