//! A partition's database, opened when somebody asks for it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::journal::error::ReadError;
use crate::journal::store::{FILE, Store};

/// Questions take milliseconds; a long export is waited for at the next try.
const RETIRE_WAIT_MAX: Duration = Duration::from_millis(200);
const RETIRE_WAIT_STEP: Duration = Duration::from_millis(1);

/// Holds a database open, or remembers one that somebody else still has: sled cannot open a file twice.
#[derive(Default)]
pub(super) struct Slot(Mutex<Handles>);

#[derive(Default)]
struct Handles {
    kept: Option<Arc<Store>>,
    seen: Weak<Store>,
    /// sled has no more to do with this file.
    retired: bool,
}

impl Slot {
    /// A slot with an open database.
    pub(super) fn with(store: Arc<Store>) -> Slot {
        Slot(Mutex::new(Handles { seen: Arc::downgrade(&store), kept: Some(store), retired: false }))
    }

    /// The database in `dir`, opened where it is not; `None` once it is retired. Never makes one: a directory that is
    /// gone is an error.
    pub(super) fn get(&self, dir: &Path, cache_bytes: u64) -> Result<Option<Arc<Store>>, ReadError> {
        let mut handles = self.lock();
        if handles.retired {
            return Ok(None);
        }
        if let Some(store) = handles.kept.clone().or_else(|| handles.seen.upgrade()) {
            handles.kept = Some(store.clone());
            return Ok(Some(store));
        }
        if !dir.join(FILE).exists() {
            return Err(ReadError::Gone { dir: dir.to_owned() });
        }
        let store = Arc::new(Store::open(dir, cache_bytes)?);
        *handles = Handles { seen: Arc::downgrade(&store), kept: Some(store.clone()), retired: false };
        Ok(Some(store))
    }

    /// Closes the database for good, and calls `then` when sled is gone and before anybody learns of it: from then on
    /// nothing changes in its file. An error of kind `WouldBlock` while somebody reads from it; nothing has changed then.
    pub(super) fn retire<T>(&self, dir: &Path, then: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut handles = self.lock();
        handles.kept = None;
        let file = File::open(dir.join(FILE))?;
        let mut waited = Duration::ZERO;
        // sled's last thread lets go of the lock a moment after the last handle.
        while let Err(error) = file.try_lock() {
            if waited >= RETIRE_WAIT_MAX {
                return Err(error.into());
            }
            std::thread::sleep(RETIRE_WAIT_STEP);
            waited += RETIRE_WAIT_STEP;
        }
        let done = then()?;
        handles.retired = true;
        Ok(done)
    }

    /// Closes the database as soon as nobody reads from it.
    pub(super) fn close(&self) {
        self.lock().kept = None;
    }

    fn lock(&self) -> MutexGuard<'_, Handles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
