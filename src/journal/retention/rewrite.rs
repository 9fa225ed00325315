//! Rewriting a partition: the events to keep go into a fresh database, which then takes its place.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::journal::block::{Opener, Packer};
use crate::journal::blocks::Blocks;
use crate::journal::dirs::NEW_SUFFIX;
use crate::journal::error::ReadError;
use crate::journal::index::{Outer, Run, Seal};
use crate::journal::mark::Mark;
use crate::journal::part::{Part, hex};
use crate::journal::parts::Parts;
use crate::journal::salvage::publish;
use crate::journal::store::{Commit, Head};
use crate::journal::strings::Interner;
use crate::model::{Event, Seq};

use super::policy::Kept;

/// Events written at a time.
const COMMIT_EVENTS: usize = 4096;

/// How a partition is rewritten.
pub(in crate::journal) struct Rewrite<'a> {
    /// What is left afterwards.
    pub(in crate::journal) kept: Kept,
    /// zstd's level.
    pub(in crate::journal) level: i32,
    /// Makes of an event what stays of it; `None`: nothing.
    pub(in crate::journal) keep: &'a dyn Fn(Event) -> Option<Event>,
    /// Told after each commit how many bytes were read for it; waits as long as it likes. `false`: stop.
    pub(in crate::journal) pause: &'a mut dyn FnMut(u64) -> bool,
}

/// Writes the fresh partition and publishes it under its next generation. `None`: nothing is left of it, and nothing
/// was published. An error of kind `Interrupted`: it was told to stop.
pub(in crate::journal) fn rewrite(
    parts: &Parts,
    old: &Part,
    sealed: &Run,
    blocks: &Blocks,
    mut how: Rewrite<'_>,
) -> io::Result<Option<Arc<Part>>> {
    let name = old.name().rewritten();
    let fresh = parts.path().join(format!("{name}{NEW_SUFFIX}"));
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)?;
    }
    let mut copy = Copy {
        part: Part::create(&fresh, name).map_err(io::Error::other)?,
        packer: Packer::with_level(how.level)?,
        interner: Interner::default(),
        head: Head::default(),
        marks: old.marks().map_err(io::Error::other)?.into_iter().collect(),
        run_events_max: parts.options().run_events_max,
        gone: Vec::new(),
    };
    let copied = copy.all(blocks, &mut how);
    let Copy { part, head, .. } = copy;
    if let Err(error) = copied {
        drop(part);
        std::fs::remove_dir_all(&fresh)?;
        return Err(error);
    }
    if head.last == Seq::default() {
        drop(part);
        std::fs::remove_dir_all(&fresh)?;
        return Ok(None);
    }
    let meta = sealed.meta();
    let old_seal = meta.seal.clone().unwrap_or_default();
    let seal = Seal { tail: hex(head.hash), kept: how.kept, level: how.level, ..old_seal };
    let outer = Outer {
        first: Some((meta.first, meta.first_at)),
        last: Some((meta.last, meta.last_at)),
        counts: Some(meta.counts.clone()),
    };
    part.seal_as(seal, outer, &AtomicBool::new(false))?;
    drop(part);
    Ok(Some(publish(parts.path(), &fresh, name)?.0))
}

struct Copy {
    part: Part,
    packer: Packer,
    interner: Interner,
    head: Head,
    marks: Vec<(String, Mark)>,
    run_events_max: u64,
    /// Events that go and have bytes which later ones may refer to, in order.
    gone: Vec<Seq>,
}

impl Copy {
    fn all(&mut self, blocks: &Blocks, how: &mut Rewrite<'_>) -> io::Result<()> {
        let mut opener = Opener::new().map_err(io::Error::other)?;
        let (mut next, mut events, mut bytes) = (Seq::default(), Vec::new(), 0);
        let mut behind = Vec::new();
        let failed = |error: ReadError| io::Error::other(error);
        while let Some((first, last)) = blocks.at_or_after(next).map_err(failed)? {
            let opened = blocks.block(first, &mut opener).map_err(failed)?;
            if next == Seq::default() {
                // The chain goes on from the partition before.
                self.head.hash = opened.header.previous;
            }
            bytes += opened.header.stored_len as u64;
            for event in opened.events {
                let (seq, has_bytes) = (event.seq, event.body.as_ref().is_some_and(|body| !body.data.is_empty()));
                match (how.keep)(event) {
                    Some(event) => {
                        events.push(self.with_own_bytes(event, blocks, &mut opener, &mut behind).map_err(failed)?)
                    }
                    None if has_bytes => self.gone.push(seq),
                    None => {}
                }
            }
            next = last.next();
            if events.len() >= COMMIT_EVENTS {
                self.commit(&mut events)?;
                if !(how.pause)(std::mem::take(&mut bytes)) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
            }
        }
        self.commit(&mut events)
    }

    /// An event whose bytes stand in one that goes gets them itself. They stand a short way back, so the block that was
    /// opened last has most of them.
    fn with_own_bytes(
        &self,
        mut event: Event,
        blocks: &Blocks,
        opener: &mut Opener,
        last: &mut Vec<Event>,
    ) -> Result<Event, ReadError> {
        let goes = |same: &Seq| self.gone.binary_search(same).is_ok();
        if let Some(body) = &mut event.body
            && let Some(same) = body.same_as.take_if(|same| goes(same))
        {
            let is_same = |event: &&Event| event.seq == same;
            if !last.iter().any(|event| event.seq == same)
                && let Some((first, _)) = blocks.at_or_before(same)?
            {
                *last = blocks.block(first, opener)?.events;
            }
            let data = last.iter().find(is_same).and_then(|event| event.body.as_ref()).map(|body| body.data.clone());
            body.truncated |= data.is_none();
            body.data = data.unwrap_or_default();
        }
        Ok(event)
    }

    fn commit(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let oldest = self.part.span().map_or(first.seq, |span| span.first);
        let mut head = Head { last: last.seq, last_at: last.at, hash: self.head.hash };
        let blocks = self.packer.pack(events, oldest, &mut self.interner, &mut head.hash);
        let (fresh_strings, marks) = (self.interner.take_fresh(), std::mem::take(&mut self.marks));
        let commit = Commit { blocks, fresh_strings, marks, head };
        self.part.commit(commit, events).map_err(io::Error::other)?;
        while self.part.freeze(self.run_events_max) && self.part.write_frozen()? {}
        self.head = head;
        events.clear();
        Ok(())
    }
}
