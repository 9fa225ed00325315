//! The bytes that passed and are not observed yet: batches on the way from the relay to the observer. They are bounded
//! in bytes.
//!
//! When the observer falls behind, the newest batches are packed (zstd) while they wait. A message is delivered with
//! the bytes that were published, and messages of one kind are much alike. So packing leaves a fraction of them. The
//! backlog never goes to the disk, because it is not masked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::live::Sessions;
use crate::model::{Side, Str, Timestamp};
use crate::wire::End;

/// A batch is handed over when it has so many bytes: large enough that handing over costs nothing beside the copy.
const BATCH_BYTES: usize = 256 << 10;
/// Or so many entries: of small frames there are many to a byte.
const BATCH_ENTRIES: usize = 8192;
/// A batch is handed over after this time at the latest; nobody waits for events to appear sooner.
pub(super) const BATCH_LINGER: Duration = Duration::from_millis(10);
/// Empty batches that are kept to be filled again.
const SPARE_MAX: usize = 4;
/// Memory of an entry, besides its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();
/// Bytes that wait as they are; further ones are packed. A moment's worth.
const PLAIN_MAX: usize = 4 << 20;
/// The fastest of zstd's ordinary levels.
const LEVEL: i32 = 1;

/// Something that happened to a session.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) session: u64,
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    /// A client has connected; the session's name.
    Opened(Str),
    /// One side sent so many bytes, which are the batch's next.
    Bytes(Side, u32),
    /// One side sent bytes for which there was no room.
    Lost(Side, u64),
    /// The connections have ended.
    Ended(Box<End>),
}

/// Entries, and the bytes that belong to them, in order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: Vec<u8>,
}

impl Batch {
    fn cost(&self) -> usize {
        self.bytes.len() + self.entries.len() * ENTRY_BYTES
    }
}

/// A batch in the queue.
enum Waiting {
    Plain(Batch),
    /// Its bytes are being packed; its number.
    InWork(u64),
    /// With the bytes packed, and how many they are unpacked; `None`: they are as they were, it was of no use.
    Packed(Batch, Option<usize>),
}

struct Shared {
    state: Mutex<State>,
    /// There is a batch, or there will be none.
    filled: Condvar,
    /// More waits as it is than should, or nothing will come any more.
    crowded: Condvar,
    /// There is room again.
    room: Notify,
    bytes_max: usize,
    sessions: Sessions,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Waiting>,
    /// All of them together, as they are.
    bytes: usize,
    /// Those that are not packed.
    plain: usize,
    spare: Vec<Batch>,
    next_work: u64,
    closed: bool,
}

/// The relay's end. It belongs to one thread.
pub(super) struct Sender {
    shared: Arc<Shared>,
    current: RefCell<Batch>,
    /// There is something in the current batch.
    pub(super) begun: Notify,
}

/// The observer's end.
pub(super) struct Receiver(Arc<Shared>);

/// Packs batches that have to wait.
pub(super) struct Packer(Arc<Shared>);

/// A backlog of at most so many bytes.
pub(super) fn new(bytes_max: u64, sessions: Sessions) -> (Sender, Receiver, Packer) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        filled: Condvar::new(),
        crowded: Condvar::new(),
        room: Notify::new(),
        bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
        sessions,
    });
    let sender = Sender { shared: shared.clone(), current: RefCell::default(), begun: Notify::new() };
    (sender, Receiver(shared.clone()), Packer(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Something other than bytes. It is always taken: a session has few of these.
    pub(super) fn tell(&self, session: u64, at: Timestamp, what: What) {
        self.add(Entry { session, at, what }, &[]);
    }

    /// One side's bytes, copied; where there is no room for them, their number.
    pub(super) fn pass(&self, session: u64, at: Timestamp, side: Side, bytes: &[u8]) {
        if self.is_full() {
            let lost = bytes.len() as u64;
            self.shared.sessions.unobserved(lost, at);
            return self.add(Entry { session, at, what: What::Lost(side, lost) }, &[]);
        }
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.add(Entry { session, at, what: What::Bytes(side, len) }, bytes);
    }

    fn add(&self, entry: Entry, bytes: &[u8]) {
        let mut current = self.current.borrow_mut();
        if current.entries.is_empty() {
            self.begun.notify_one();
        }
        current.entries.push(entry);
        current.bytes.extend_from_slice(bytes);
        if current.bytes.len() >= BATCH_BYTES || current.entries.len() >= BATCH_ENTRIES {
            self.hand_over(&mut current);
        }
    }

    /// Hands over the current batch.
    pub(super) fn flush(&self) {
        let mut current = self.current.borrow_mut();
        if !current.entries.is_empty() {
            self.hand_over(&mut current);
        }
    }

    fn hand_over(&self, current: &mut Batch) {
        let mut state = self.shared.lock();
        let next = state.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(current, next);
        state.bytes += batch.cost();
        state.plain += batch.cost();
        let (bytes, is_crowded) = (state.bytes, state.plain > PLAIN_MAX);
        state.batches.push_back(Waiting::Plain(batch));
        drop(state);
        self.shared.filled.notify_one();
        if is_crowded {
            self.shared.crowded.notify_one();
        }
        self.shared.sessions.set_backlog(bytes as u64);
    }

    /// Nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.shared.lock().bytes >= self.shared.bytes_max
    }

    /// Waits until something fits.
    pub(super) async fn room(&self) {
        loop {
            let freed = self.shared.room.notified();
            if !self.is_full() {
                return;
            }
            freed.await;
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.flush();
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
        self.shared.crowded.notify_one();
    }
}

/// The observer's next input.
pub(super) enum Next {
    Batch(Batch),
    /// Nothing within the time.
    Nothing,
    /// Nothing any more.
    Closed,
}

impl Receiver {
    /// The next batch, waited for as long as `patience`.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let idle = |state: &mut State| match state.batches.front() {
            None => !state.closed,
            Some(Waiting::InWork(_)) => true,
            Some(Waiting::Plain(_) | Waiting::Packed(..)) => false,
        };
        let waited = self.0.filled.wait_timeout_while(self.0.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if matches!(state.batches.front(), Some(Waiting::InWork(_))) {
            return Next::Nothing;
        }
        match state.batches.pop_front() {
            Some(Waiting::Plain(batch)) => {
                state.plain = state.plain.saturating_sub(batch.cost());
                Next::Batch(batch)
            }
            Some(Waiting::Packed(batch, None)) => Next::Batch(batch),
            Some(Waiting::Packed(batch, Some(len))) => {
                drop(state);
                let packed = batch.bytes.len();
                let batch = unpack(batch, len);
                // From now on it is counted as it is unpacked.
                let mut state = self.0.lock();
                state.bytes = state.bytes - packed + batch.bytes.len();
                Next::Batch(batch)
            }
            Some(Waiting::InWork(_)) => Next::Nothing,
            None if state.closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    /// The batch has been dealt with; its memory is used again.
    pub(super) fn done(&self, mut batch: Batch) {
        let cost = batch.cost();
        batch.entries.clear();
        batch.bytes.clear();
        let mut state = self.0.lock();
        state.bytes -= cost;
        if state.spare.len() < SPARE_MAX && batch.bytes.capacity() <= 2 * BATCH_BYTES {
            state.spare.push(batch);
        }
        let bytes = state.bytes;
        drop(state);
        self.0.room.notify_waiters();
        self.0.sessions.set_backlog(bytes as u64);
    }

    /// Since when the oldest batch waits.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        match self.0.lock().batches.front()? {
            Waiting::Plain(batch) | Waiting::Packed(batch, _) => batch.entries.first().map(|entry| entry.at),
            Waiting::InWork(_) => None,
        }
    }

    /// The batches can wait: there is room for a good deal more, and the relay has not ended.
    pub(super) fn can_wait(&self) -> bool {
        let state = self.0.lock();
        !state.closed && state.bytes <= self.0.bytes_max / 4 * 3
    }

    /// So much waits that it would soon be too much.
    pub(super) fn is_pressed(&self) -> bool {
        self.0.lock().bytes > self.0.bytes_max / 8 * 7
    }
}

fn unpack(batch: Batch, len: usize) -> Batch {
    // The bytes have not left this process, so they unpack.
    match zstd::bulk::decompress(&batch.bytes, len) {
        Ok(bytes) => Batch { bytes, ..batch },
        Err(error) => {
            tracing::error!(%error, "what passed cannot be unpacked; its sessions are not observed any more");
            lose(batch)
        }
    }
}

/// A batch without its bytes: all of them are lost.
fn lose(mut batch: Batch) -> Batch {
    batch.bytes = Vec::new();
    for entry in &mut batch.entries {
        if let What::Bytes(side, len) = entry.what {
            entry.what = What::Lost(side, u64::from(len));
        }
    }
    batch
}

impl Packer {
    /// Packs the newest batches as long as too much waits as it is; until the relay has ended.
    pub(super) fn run(self) {
        let mut packer = match zstd::bulk::Compressor::new(LEVEL) {
            Ok(packer) => packer,
            Err(error) => return tracing::warn!(%error, "what waits to be observed cannot be packed"),
        };
        while let Some((number, batch)) = self.take() {
            let packed = packer.compress(&batch.bytes).ok().filter(|packed| packed.len() < batch.bytes.len());
            self.put_back(number, batch, packed);
        }
    }

    /// The newest batch that is not packed, when too much is not. `None`: nothing more will come.
    fn take(&self) -> Option<(u64, Batch)> {
        let mut state = self.0.lock();
        loop {
            let fits = |state: &mut State| !state.closed && state.plain <= PLAIN_MAX;
            state = self.0.crowded.wait_while(state, fits).unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return None;
            }
            let number = state.next_work;
            state.next_work += 1;
            let newest = state.batches.iter_mut().rev().find(|waiting| matches!(waiting, Waiting::Plain(_)));
            let Some(newest) = newest else {
                // They are in work, or gone.
                state.plain = 0;
                continue;
            };
            if let Waiting::Plain(batch) = std::mem::replace(newest, Waiting::InWork(number)) {
                state.plain = state.plain.saturating_sub(batch.cost());
                return Some((number, batch));
            }
        }
    }

    /// The observer does not pass a batch that is in work, so it is still there.
    fn put_back(&self, number: u64, batch: Batch, packed: Option<Vec<u8>>) {
        let mut state = self.0.lock();
        let len = batch.bytes.len();
        let waiting = match packed {
            Some(mut bytes) => {
                bytes.shrink_to_fit();
                state.bytes = state.bytes - len + bytes.len();
                Waiting::Packed(Batch { bytes, entries: batch.entries }, Some(len))
            }
            // It waits as it is, and is not tried again.
            None => Waiting::Packed(batch, None),
        };
        let place = state.batches.iter_mut().rev().find(|it| matches!(it, Waiting::InWork(known) if *known == number));
        if let Some(place) = place {
            *place = waiting;
        }
        drop(state);
        self.0.filled.notify_one();
        self.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
