//! The work on a partition in the background: its lists become runs, and its runs become one.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::journal::block::Hash;
use crate::journal::index::{Outer, SEALED_FILE, Seal, merge, write_recent};
use crate::journal::salvage::Carved;
use crate::journal::sealed::SealedStore;
use crate::journal::store::Head;
use crate::model::Seq;

use super::partition::{Located, Part};
use super::span::Span;

impl Part {
    /// Writes the oldest waiting list as a run. `false`: none waits.
    pub(in crate::journal) fn write_frozen(&self) -> io::Result<bool> {
        let Some(recent) = self.read().frozen.first().cloned() else { return Ok(false) };
        let run = write_recent(&self.dir, &recent)?;
        let mut state = self.write();
        state.runs.extend(run.map(Arc::new));
        state.frozen.remove(0);
        Ok(true)
    }

    /// Seals the partition, which ends at `head` and takes no more events. Ends soon after `stop` is set with an error of
    /// kind `Interrupted`; it can be repeated.
    pub(in crate::journal) fn seal(&self, head: Head, stop: &AtomicBool) -> io::Result<()> {
        if self.sealed().is_some() {
            return Ok(());
        }
        self.seal_as(Seal { hash: hex(head.hash), tail: hex(head.hash), ..Seal::default() }, Outer::default(), stop)
    }

    /// The same, with what is to be known of the partition: writes what is in memory, merges all runs, notes where the
    /// blocks stand, and has sled let go of them.
    pub(in crate::journal) fn seal_as(&self, mut seal: Seal, outer: Outer, stop: &AtomicBool) -> io::Result<()> {
        self.write().freeze();
        while self.write_frozen()? {}
        let runs = self.read().runs.clone();
        let first = runs.first().map_or(Seq::default(), |run| run.meta().first);
        let places = self.locate(first, &mut seal)?;
        let sealed = Arc::new(merge(&self.dir.join(SEALED_FILE), &runs, seal, outer, &places, stop)?);
        let mut state = self.write();
        state.span = Some(Span::of(sealed.meta()));
        state.runs = vec![sealed];
        drop(state);
        for run in runs {
            std::fs::remove_file(run.path())?;
        }
        Ok(())
    }
}

impl Part {
    /// Has sled let go of the file, and finds where the blocks stand in it; readers go on there. Earlier it would be of
    /// no use: as long as sled has it, sled may write over an older copy of a block.
    fn locate(&self, first: Seq, seal: &mut Seal) -> io::Result<Vec<u8>> {
        let known = self.lock_located().as_ref().map(|located| (located.store.clone(), located.marks.clone()));
        let (store, marks) = match known {
            Some(known) => known,
            None => {
                let store = self.store().map_err(io::Error::other)?;
                let (strings, marks) = (store.strings().clone(), store.marks().map_err(io::Error::other)?);
                drop(store);
                let marks: BTreeMap<_, _> = marks.into_iter().map(|(name, mark)| (name, mark.at)).collect();
                let store = self.store.retire(&self.dir, || {
                    let places = Carved::read(&self.dir)?.places(first, seal, strings)?;
                    let store = Arc::new(SealedStore::open(&self.dir, places).map_err(io::Error::other)?);
                    *self.lock_located() = Some(Located { store: store.clone(), marks: marks.clone() });
                    Ok(store)
                })?;
                (store, marks)
            }
        };
        seal.marks = marks;
        Ok(store.places().encode())
    }
}

/// A hash as a seal has it.
pub(in crate::journal) fn hex(hash: Hash) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}
