//! The background thread that writes runs and seals partitions. Commits are free of this work.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{debug, warn};

use crate::task;

use super::error::is_full;
use super::part::Part;
use super::store::Head;

/// Jobs that may wait. A start finds at most as many unsealed partitions; any further job waits with its sender.
const JOBS_MAX: usize = 64;
/// The wait after a failure, which is most likely a full disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest time that an append waits for the indexer before it gives up for now.
const BEHIND_WAIT_MAX: Duration = Duration::from_secs(2);

/// Events of one list when an index is built again.
const REINDEX_RUN_EVENTS: u64 = 250_000;

enum Job {
    Write(Arc<Part>),
    Seal(Arc<Part>, Head),
    Stop,
}

/// The thread. Dropping this ends it soon and leaves its current job undone. The next start does that job again.
pub(super) struct Indexer {
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    failed: Mutex<Option<String>>,
    done: Mutex<u64>,
    progress: Condvar,
}

impl Indexer {
    pub(super) fn start() -> io::Result<Indexer> {
        let (jobs, inbox) = sync_channel(JOBS_MAX);
        let shared = Arc::new(Shared::default());
        let (running, alarm) = (shared.clone(), shared.clone());
        let thread = task::thread(
            "hoptrail-index",
            move || run(&inbox, &running),
            move || alarm.fail("the thread that writes the index panicked; standard error names the place".to_owned()),
        )?;
        Ok(Indexer { jobs, shared, thread: Some(thread) })
    }

    /// Asks the thread to write the partition's waiting lists.
    pub(super) fn write(&self, part: &Arc<Part>) {
        self.send(Job::Write(part.clone()));
    }

    /// Asks the thread to seal a partition that ends at `head` and takes no more events.
    pub(super) fn seal(&self, part: &Arc<Part>, head: Head) {
        part.no_more();
        self.send(Job::Seal(part.clone(), head));
    }

    /// The reason that nothing is indexed any more, if there is one.
    pub(super) fn failed(&self) -> Option<String> {
        self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the partition has room for another list. `false`: it still has none, and the disk may be full.
    pub(super) fn wait_for_room(&self, part: &Part) -> bool {
        let done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.progress.wait_timeout_while(done, BEHIND_WAIT_MAX, |_| part.is_behind());
        drop(waited);
        !part.is_behind()
    }

    fn send(&self, job: Job) {
        // The thread ends only on request or by a panic. After that no lists are written, and appending stops.
        drop(self.jobs.send(job));
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.send(Job::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(inbox: &Receiver<Job>, shared: &Shared) {
    let mut waiting: VecDeque<Job> = VecDeque::new();
    while !shared.stop.load(Ordering::Relaxed) {
        waiting.extend(inbox.try_iter().take(JOBS_MAX));
        let job = match waiting.pop_front() {
            Some(job) => job,
            None => match inbox.recv() {
                Ok(job) => job,
                Err(_) => return,
            },
        };
        let result = match &job {
            Job::Write(part) => write_all(part),
            Job::Seal(part, head) => seal(part, *head, shared),
            Job::Stop => return,
        };
        *shared.done.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        shared.progress.notify_all();
        let Err(error) = result else { continue };
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        tell(&job, &error);
        match &job {
            _ if may_pass(&error) => {}
            // The partition's blocks are read through sled as before. The next start looks at the partition again.
            Job::Seal(..) => continue,
            Job::Write(_) | Job::Stop => return shared.fail(error.to_string()),
        }
        // The job goes behind the others: a partition that is still being read must not keep the newest from its index.
        waiting.push_back(job);
        match inbox.recv_timeout(RETRY_AFTER) {
            Ok(job) => waiting.push_back(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whether the failure may pass: the disk is full, or the partition is still being read.
fn may_pass(error: &io::Error) -> bool {
    is_full(error) || matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl Shared {
    fn fail(&self, cause: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(cause);
    }
}

/// Seals a partition. A damaged run is no obstacle: its source blocks are read again.
fn seal(part: &Part, head: Head, shared: &Shared) -> io::Result<()> {
    match part.seal(head, &shared.stop) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            warn!(%error, partition = %part.name(), "an index file is damaged; it is built again");
            part.reindex(head, REINDEX_RUN_EVENTS).map_err(io::Error::other)?;
            part.seal(head, &shared.stop)
        }
        sealed => sealed,
    }
}

fn write_all(part: &Part) -> io::Result<()> {
    while part.write_frozen()? {}
    Ok(())
}

fn tell(job: &Job, error: &io::Error) {
    let (Job::Write(part) | Job::Seal(part, _)) = job else { return debug!("stopping") };
    if error.kind() == io::ErrorKind::WouldBlock {
        return debug!(partition = %part.name(), "still being read; it is sealed later");
    }
    warn!(%error, partition = %part.name(), "the index cannot be written");
}
