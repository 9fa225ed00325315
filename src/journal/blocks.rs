//! A partition's blocks, wherever they are read from.

use std::sync::Arc;

use crate::model::Seq;

use super::block::{Header, Opened, Opener};
use super::error::ReadError;
use super::sealed::SealedStore;
use super::store::Store;

/// Blocks that stay readable as long as this is held, whatever becomes of the partition.
#[derive(Clone)]
pub(super) enum Blocks {
    /// Through sled.
    Open(Arc<Store>),
    /// At their places in the file.
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

    /// The header of that block.
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
