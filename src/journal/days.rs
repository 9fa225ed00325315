//! All databases of a journal, in the order of their days.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::model::{Seq, Timestamp};

use super::day::{Day, Head};
use super::end;
use super::error::{OpenError, ReadError};
use super::identity::Directory;

/// A database that could not be opened: renamed to `….damaged`, and a hole in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// Where it lies now.
    pub dir: PathBuf,
    /// Why.
    pub reason: String,
    /// The events it held: from the first to the last that is known of. The last is lower than the first where it is
    /// not known to have held any.
    pub lost: RangeInclusive<Seq>,
    /// When its day begins.
    pub from: Timestamp,
    /// When its day ends.
    pub to: Timestamp,
}

/// What writer and readers share.
pub(super) struct Days {
    directory: Directory,
    list: RwLock<BTreeMap<i64, Arc<Day>>>,
    committed: watch::Sender<Seq>,
}

impl Days {
    /// Opens every database; damaged ones are set aside.
    pub(super) fn open(dir: &Path) -> Result<(Days, Head, Vec<SetAside>), OpenError> {
        let directory = Directory::open(dir)?;
        let mut list = BTreeMap::new();
        let mut set_aside: Vec<SetAside> = Vec::new();
        let mut head = Head::default();
        for number in numbers(dir)? {
            let path = day_dir(dir, number);
            match Day::open(&path, number, head) {
                Ok((day, newest)) => {
                    if let (Some(span), Some(hole)) = (day.span(), set_aside.last_mut())
                        && span.first > head.last.next()
                    {
                        hole.lost = *hole.lost.start()..=Seq(span.first.0 - 1);
                    }
                    head = newest;
                    list.insert(number, Arc::new(day));
                }
                Err(error) => {
                    let hole = put_aside(&path, number, head, error)?;
                    // The numbers that were given out are not given out again.
                    head.last = head.last.max(*hole.lost.end());
                    set_aside.push(hole);
                }
            }
        }
        let days = Days { directory, list: RwLock::new(list), committed: watch::Sender::new(head.last) };
        Ok((days, head, set_aside))
    }

    /// The journal's name in the world.
    pub(super) fn id(&self) -> &str {
        self.directory.id()
    }

    /// The newest committed number, and its changes.
    pub(super) fn committed(&self) -> &watch::Sender<Seq> {
        &self.committed
    }

    /// The database of a day, made where it is missing.
    pub(super) fn day(&self, number: i64, head: Head) -> Result<Arc<Day>, OpenError> {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(day) = list.get(&number) {
            return Ok(day.clone());
        }
        let dir = day_dir(self.directory.path(), number);
        let opened = Day::open(&dir, number, head);
        let (day, _) = opened.map_err(|source| OpenError::Database { dir: dir.clone(), source })?;
        let day = Arc::new(day);
        list.insert(number, day.clone());
        Ok(day)
    }

    /// The databases, oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Day>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

fn day_dir(dir: &Path, number: i64) -> PathBuf {
    dir.join(Timestamp::start_of_day(number).date())
}

/// The days that have a database, oldest first.
fn numbers(dir: &Path) -> Result<Vec<i64>, OpenError> {
    let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let midnight = format!("{}T00:00:00Z", name.to_string_lossy());
        numbers.extend(midnight.parse::<Timestamp>().ok().map(Timestamp::day));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn put_aside(dir: &Path, number: i64, head: Head, error: ReadError) -> Result<SetAside, OpenError> {
    let target = (0..)
        .map(|attempt| {
            if attempt == 0 { dir.with_extension("damaged") } else { dir.with_extension(format!("{attempt}.damaged")) }
        })
        .find(|target| !target.exists())
        .unwrap_or_else(|| dir.with_extension("damaged"));
    let last = end::read(dir).unwrap_or(head.last);
    let unreadable_by_this_version = matches!(error, ReadError::Newer { .. });
    if unreadable_by_this_version || std::fs::rename(dir, &target).is_err() {
        return Err(OpenError::Database { dir: dir.to_owned(), source: error });
    }
    Ok(SetAside {
        dir: target,
        reason: error.to_string(),
        lost: head.last.next()..=last,
        from: Timestamp::start_of_day(number),
        to: Timestamp::start_of_day(number + 1),
    })
}
