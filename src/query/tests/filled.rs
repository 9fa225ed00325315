//! A journal filled with events.

use std::time::Duration;

use tempfile::TempDir;

use crate::journal::{Policy, Reader, Writer};
use crate::model::{Event, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);

/// A journal in a directory of its own.
pub(crate) struct Filled {
    pub(crate) reader: Reader,
    writer: Writer,
    dir: TempDir,
}

impl Filled {
    /// A journal of these events, in their order.
    pub(crate) fn new(mut events: Vec<Event>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, reader, _) = Writer::open(&path(&dir)).unwrap();
        if !events.is_empty() {
            writer.append(&mut events, &[]).unwrap();
        }
        Filled { reader, writer, dir }
    }

    /// Appends one more event.
    pub(crate) fn push(&mut self, event: Event) {
        self.writer.append(&mut [event], &[]).unwrap();
    }

    /// Removes the partitions that are older than a day.
    pub(crate) fn age(&mut self, now: Timestamp) {
        self.settle();
        let policy = Policy { hot: DAY, warm: DAY, cold: DAY, max_bytes: None, high_water: 1.0, rules: Vec::new() };
        let mut keeper = self.writer.keeper(policy);
        while keeper.tend(now, &mut |_| true).unwrap().is_some() {}
    }

    /// Damages every block of that day.
    pub(crate) fn damage(&mut self, day: i64) {
        self.settle();
        let name = format!("{}-0001", Timestamp::start_of_day(day).date());
        let database = path(&self.dir).join(name).join("db");
        let mut bytes = std::fs::read(&database).unwrap();
        let blocks: Vec<usize> = memchr::memmem::find_iter(&bytes, b"\x89HTB").collect();
        assert!(!blocks.is_empty(), "no block in {}", database.display());
        // The harm is to the end of the checksum, and the beginning of the payload.
        for at in blocks {
            bytes[at + 90..at + 100].iter_mut().for_each(|byte| *byte ^= 0x55);
        }
        std::fs::write(&database, bytes).unwrap();
    }

    /// Closes the journal and leaves its directory.
    pub(super) fn close(self) -> TempDir {
        self.dir
    }

    /// Waits until every partition but the newest is sealed.
    fn settle(&self) {
        for _ in 0..20_000 {
            if self.reader.is_settled() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        panic!("the background does not get done");
    }
}

/// The journal's path in its directory.
pub(super) fn path(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("journal")
}
