//! The room on the disk: recording pauses before the last bytes are gone, and while they are gone.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use tracing::{info, warn};

use crate::clock;
use crate::journal::DiskSpace;
use crate::model::{Event, Timestamp};

/// The time between two looks. A look costs a microsecond, and a commit takes a few megabytes at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Watches the room on the journal's disk.
pub(super) struct Room {
    dir: PathBuf,
    min_free: u64,
    looked: Option<Instant>,
    paused: Option<(Timestamp, String)>,
}

impl Room {
    pub(super) fn new(dir: PathBuf, min_free: u64) -> Self {
        Room { dir, min_free, looked: None, paused: None }
    }

    /// The reason that there is too little room. `None`: there is enough, or the room is not known.
    pub(super) fn lack(&mut self) -> Option<String> {
        let now = clock::instant();
        if self.paused.is_none() && self.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
            return None;
        }
        self.looked = Some(now);
        let free = DiskSpace::of(&self.dir).ok()?.free;
        (free < self.min_free).then(|| {
            format!(
                "the file system of {} has {} free, and journal.min_free is {}; make room there, or let less be kept",
                self.dir.display(),
                ByteSize(free),
                ByteSize(self.min_free)
            )
        })
    }

    /// Notes that nothing is recorded for now. `true`: the pause is new.
    pub(super) fn pause(&mut self, why: &str) -> bool {
        let is_news = self.paused.is_none();
        if is_news {
            warn!(
                reason = why,
                "recording pauses; the broker keeps what a tap has not acknowledged, and what passes the proxy waits as long as there is room"
            );
            self.paused = Some((clock::now(), why.to_owned()));
        }
        is_news
    }

    /// Notes that events are recorded again. Returns the event that tells the duration of the pause.
    pub(super) fn resume(&mut self) -> Option<Event> {
        let (since, why) = self.paused.take()?;
        let now = clock::now();
        info!(%since, "recording goes on");
        let detail = format!("nothing was recorded from {since} to {now}: {why}");
        Some(Event::change("journal.paused", detail, now))
    }
}
