//! The keeper: finds due work and does it, one partition at a time, oldest first.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::dirs::{remove_dir, set_aside};
use crate::journal::error::ReadError;
use crate::journal::hole::Hole;
use crate::journal::index::Run;
use crate::journal::part::Part;
use crate::journal::parts::Parts;
use crate::journal::removed::{Cause, Removed};
use crate::journal::salvage::{Salvage, salvage};
use crate::journal::store::Head;
use crate::model::{Event, Seq, Timestamp};

use super::disk::DiskSpace;
use super::policy::Policy;
use super::rewrite::{Rewrite, rewrite};

/// zstd's level when a partition is rewritten: in the background there is time, and it stays for months.
const REWRITE_LEVEL: i32 = 9;

/// After a removal the room it makes is looked for this much later.
const ROOM_WAIT: Duration = Duration::from_secs(10);

/// Moves partitions down, removes them, and saves those that turn out to be damaged. There is one.
pub struct Keeper {
    parts: Arc<Parts>,
    policy: Policy,
    /// When a partition was last removed because the disk was too full.
    removed_for_room: Option<Timestamp>,
    /// The only partitions that it looks at; `None`: all.
    confined_to: Option<BTreeSet<(i64, u32)>>,
}

/// What was done with a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The partition's name.
    pub partition: String,
    /// Its first and last number.
    pub seqs: (Seq, Seq),
    /// Times of its first and last event.
    pub times: (Timestamp, Timestamp),
    /// What happened to it.
    pub what: What,
    /// Bytes that it takes less on the disk.
    pub bytes_freed: u64,
}

/// What happened to a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It was rewritten, and is now this: `warm` or `cold`, or `hot` without what a rule took.
    MovedDown(String),
    /// It is gone.
    Removed(Cause),
    /// It was rewritten as it was, in less room.
    Compacted,
    /// It was damaged: so many events could be saved, and these are lost.
    Salvaged {
        /// Where the damaged files lie.
        dir: std::path::PathBuf,
        /// Events that are in the journal again.
        salvaged: u64,
        /// Events that are lost.
        lost: Vec<Hole>,
    },
}

impl Keeper {
    pub(in crate::journal) fn new(parts: Arc<Parts>, policy: Policy) -> Self {
        Keeper { parts, policy, removed_for_room: None, confined_to: None }
    }

    /// From now on it moves, compacts and removes only partitions that are sealed already. Without this, recording a
    /// change of today seals the partition of an earlier day, and whether it is then found depends on how fast that goes.
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.confined_to = Some(self.sealed().iter().map(|(part, _)| part.name().id()).collect());
        self
    }

    /// Does the next thing that is due, if any. `pause` is told how many bytes were read, waits as long as it likes, and
    /// says `false` when the work is to be left.
    ///
    /// # Errors
    /// What could not be done; it is due again.
    pub fn tend(&mut self, now: Timestamp, pause: &mut dyn FnMut(u64) -> bool) -> io::Result<Option<Change>> {
        if let Some(damaged) = self.parts.take_suspect() {
            return self.save(&damaged);
        }
        let sealed = self.sealed();
        if let Some((cause, part, run)) = self.surplus(&sealed, now)? {
            if cause == Cause::Disk {
                self.removed_for_room = Some(now);
            }
            return self.remove(part, run, cause).map(Some);
        }
        for (part, run) in &sealed {
            let (meta, before) = (run.meta(), run.meta().seal.clone().unwrap_or_default().kept);
            let after = self.policy.kept(now.since(meta.last_at), &before);
            if self.policy.takes(&before, &after, &meta.counts) {
                let policy = self.policy.clone();
                let keep = |event: Event| policy.keeps(&after, &event).then(|| strip(event, after.bodies));
                let what = What::MovedDown(after.to_string());
                let how = Rewrite { kept: after.clone(), level: REWRITE_LEVEL, keep: &keep, pause };
                return self.rewrite(part, run, how, what);
            }
        }
        Ok(None)
    }

    /// Rewrites the next partition that was never rewritten, so that it takes less room. `None`: none is left.
    ///
    /// # Errors
    /// What could not be done.
    pub fn compact(&mut self, pause: &mut dyn FnMut(u64) -> bool) -> io::Result<Option<Change>> {
        for (part, run) in &self.sealed() {
            let seal = run.meta().seal.clone().unwrap_or_default();
            if seal.level < REWRITE_LEVEL {
                let how = Rewrite { kept: seal.kept, level: REWRITE_LEVEL, keep: &Some, pause };
                return self.rewrite(part, run, how, What::Compacted);
            }
        }
        Ok(None)
    }

    /// All partitions with the bytes that they take on the disk, oldest first.
    #[must_use]
    pub fn sizes(&self) -> Vec<(String, u64)> {
        self.parts.all().iter().map(|part| (part.name().to_string(), part.disk_bytes())).collect()
    }

    /// Sealed partitions that it looks at, oldest first.
    fn sealed(&self) -> Vec<(Arc<Part>, Arc<Run>)> {
        let is_mine = |part: &Arc<Part>| self.confined_to.as_ref().is_none_or(|ids| ids.contains(&part.name().id()));
        let mine = self.parts.all().into_iter().filter(is_mine);
        mine.filter_map(|part| part.sealed().map(|run| (part, run))).collect()
    }

    /// A partition that is to go, and why.
    fn surplus<'a>(
        &self,
        sealed: &'a [(Arc<Part>, Arc<Run>)],
        now: Timestamp,
    ) -> io::Result<Option<(Cause, &'a Arc<Part>, &'a Run)>> {
        for (part, run) in sealed {
            let before = run.meta().seal.clone().unwrap_or_default().kept;
            if self.policy.is_over(&self.policy.kept(now.since(run.meta().last_at), &before)) {
                return Ok(Some((Cause::Age, part, run)));
            }
        }
        let Some((part, run)) = sealed.first() else { return Ok(None) };
        let bytes: u64 = self.parts.all().iter().map(|part| part.disk_bytes()).sum();
        if self.policy.max_bytes.is_some_and(|max| bytes > max) {
            return Ok(Some((Cause::Size, part, run)));
        }
        // What was removed takes its room as long as somebody reads from it.
        let may_look = self.removed_for_room.is_none_or(|removed| now.since(removed) >= ROOM_WAIT);
        if may_look && DiskSpace::of(self.parts.path())?.fullness() > self.policy.high_water {
            return Ok(Some((Cause::Disk, part, run)));
        }
        Ok(None)
    }

    /// First what is to be known of it for ever, then its directory.
    fn remove(&self, part: &Arc<Part>, run: &Run, cause: Cause) -> io::Result<Change> {
        let meta = run.meta();
        let record = Removed::new(cause, (meta.first, meta.last), (meta.first_at, meta.last_at), meta.counts.clone());
        record.write(self.parts.path())?;
        let bytes_freed = part.disk_bytes();
        self.parts.replace(part, None);
        remove_dir(part.dir())?;
        Ok(change(part, run, What::Removed(cause), bytes_freed))
    }

    fn rewrite(&self, part: &Arc<Part>, run: &Run, how: Rewrite<'_>, what: What) -> io::Result<Option<Change>> {
        let Some(pinned) = self.parts.pin(part).map_err(io::Error::other)? else { return Ok(None) };
        let before = part.disk_bytes();
        let fresh = match rewrite(&self.parts, part, run, &pinned.blocks, how) {
            Err(error) if error.get_ref().is_some_and(|source| source.is::<ReadError>()) => {
                self.parts.suspect(part);
                return Err(error);
            }
            fresh => fresh?,
        };
        let Some(fresh) = fresh else { return self.remove(part, run, Cause::Age).map(Some) };
        let freed = before.saturating_sub(fresh.disk_bytes());
        self.parts.replace(part, Some(fresh));
        drop(pinned);
        remove_dir(part.dir())?;
        Ok(Some(change(part, run, what, freed)))
    }

    /// A sealed partition in which damage was met is read anew, value by value.
    fn save(&self, part: &Arc<Part>) -> io::Result<Option<Change>> {
        let Some(run) = part.sealed() else { return Ok(None) };
        let parts = self.parts.all();
        let position = parts.iter().position(|other| other.name() == part.name());
        let before = position.and_then(|index| parts.get(..index)?.iter().rev().find_map(|part| part.head()));
        let found = salvage(&Salvage {
            journal: self.parts.path(),
            damaged: part.dir(),
            name: part.name(),
            before: before.unwrap_or(Head {
                last: Seq(run.meta().first.0.saturating_sub(1)),
                last_at: run.meta().first_at,
                ..Head::default()
            }),
            known_last: Some(run.meta().last),
            options: self.parts.options(),
        })?;
        if found.part.is_none() {
            let meta = run.meta();
            let counts = meta.counts.clone();
            let record = Removed::new(Cause::Damaged, (meta.first, meta.last), (meta.first_at, meta.last_at), counts);
            record.write(self.parts.path())?;
        }
        self.parts.replace(part, found.part);
        let dir = set_aside(part.dir())?;
        let what = What::Salvaged { dir, salvaged: found.salvaged, lost: found.lost };
        Ok(Some(change(part, &run, what, 0)))
    }
}

fn change(part: &Part, run: &Run, what: What, bytes_freed: u64) -> Change {
    let meta = run.meta();
    Change {
        partition: part.name().to_string(),
        seqs: (meta.first, meta.last),
        times: (meta.first_at, meta.last_at),
        what,
        bytes_freed,
    }
}

/// Without its body an event still tells how long that was, and its digest.
fn strip(mut event: Event, with_body: bool) -> Event {
    if let Some(body) = event.body.as_mut().filter(|_| !with_body) {
        (body.data, body.same_as) = (Vec::new(), None);
        body.truncated |= body.len > 0;
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Kind, Source};

    #[test]
    fn only_a_body_with_bytes_is_cut_off() {
        for (len, truncated) in [(0, false), (3, true)] {
            let body = Some(Body { len, same_as: Some(Seq(1)), ..Body::default() });
            let event = Event { body, ..Event::new(Kind::Publish, Source::Binding, Timestamp::default()) };
            let body = strip(event, false).body.expect("its length");
            assert_eq!((body.same_as, body.truncated), (None, truncated), "{len} bytes");
        }
    }
}
