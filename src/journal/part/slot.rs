//! A partition's database, opened when somebody asks for it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::journal::error::ReadError;
use crate::journal::store::{FILE, Store};

/// Holds a database open, or remembers one that somebody else still has: sled cannot open a file twice.
#[derive(Default)]
pub(super) struct Slot(Mutex<Handles>);

#[derive(Default)]
struct Handles {
    kept: Option<Arc<Store>>,
    seen: Weak<Store>,
}

impl Slot {
    /// A slot with an open database.
    pub(super) fn with(store: Arc<Store>) -> Slot {
        Slot(Mutex::new(Handles { seen: Arc::downgrade(&store), kept: Some(store) }))
    }

    /// The database in `dir`, opened where it is not. Never makes one: a directory that is gone is an error.
    pub(super) fn get(&self, dir: &Path, cache_bytes: u64) -> Result<Arc<Store>, ReadError> {
        let mut handles = self.lock();
        if let Some(store) = handles.kept.clone().or_else(|| handles.seen.upgrade()) {
            handles.kept = Some(store.clone());
            return Ok(store);
        }
        if !dir.join(FILE).exists() {
            return Err(ReadError::Gone { dir: dir.to_owned() });
        }
        let store = Arc::new(Store::open(dir, cache_bytes)?);
        *handles = Handles { seen: Arc::downgrade(&store), kept: Some(store.clone()) };
        Ok(store)
    }

    /// Closes the database as soon as nobody reads from it.
    pub(super) fn close(&self) {
        self.lock().kept = None;
    }

    fn lock(&self) -> MutexGuard<'_, Handles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
