//! The journal that is damaged: partitions that retention has not reached, has rewritten, and has removed, and a newest
//! one that is still open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use hoptrail::journal::{OpenError, Options, Order, Reader, SetAside, What, Writer};
use hoptrail::model::{Event, Seq};

use crate::events::{Events, at, policy};
use crate::tree::Tree;

/// Partitions of a few hundred kilobytes.
const SMALL: Options = Options { part_events_max: 150, part_bytes_max: 1 << 30, run_events_max: 40, open_parts_max: 2 };
/// Events appended.
const EVENTS: u64 = 720;
/// Retention looks when this event happens: the first partition goes, the second is left without bodies.
pub const TENDED: u64 = 500;
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// A journal without damage.
#[derive(Debug)]
pub struct Sound {
    /// Its files.
    pub tree: Tree,
    /// All that is in it.
    pub events: BTreeMap<u64, Event>,
    /// The number of the last event.
    pub last: u64,
}

/// Opens a journal with small partitions.
pub fn open(dir: &Path) -> Result<(Writer, Reader, Vec<SetAside>), OpenError> {
    Writer::open_with(dir, SMALL)
}

/// Waits for the background.
pub fn settle(reader: &Reader) {
    let deadline = Instant::now() + SETTLED_WITHIN;
    while !reader.is_settled() {
        assert!(Instant::now() < deadline, "the background does not get done");
        thread::yield_now();
    }
}

/// The journal, made once.
pub fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let scratch = tempfile::tempdir().expect("a directory");
        let (mut writer, reader, _) = open(scratch.path()).expect("a new journal");
        let (events, mut last) = (Events { seed: 7 }, 0);
        while last < EVENTS {
            let mut batch = events.batch(last + 1);
            last += batch.len() as u64;
            writer.append(&mut batch, &events.marks(last)).expect("a working disk");
        }
        settle(&reader);
        let mut keeper = writer.keeper(policy());
        let mut done = Vec::new();
        while let Some(change) = keeper.tend(at(TENDED), &mut |_| true).expect("a working disk") {
            done.push(change.what);
        }
        assert!(done.iter().any(|what| matches!(what, What::Removed(_))), "{done:?}");
        assert!(done.iter().any(|what| matches!(what, What::MovedDown(_))), "{done:?}");
        let found: Result<Vec<Event>, _> = reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).collect();
        let events = found.expect("readable").into_iter().map(|event| (event.seq.0, event)).collect();
        drop((writer, reader, keeper));
        let tree = Tree::read(scratch.path());
        Sound { tree, events, last }
    })
}
