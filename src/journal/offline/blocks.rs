//! Reading all blocks of a partition: checksums, events, and the chain.

use crate::journal::block::{Hash, Opened, Opener};
use crate::journal::blocks::Blocks;
use crate::journal::error::ReadError;
use crate::journal::part::PartName;
use crate::model::{Seq, Timestamp};

use super::lookup::Lookup;
use super::problem::{Damage, Problems};

/// Where the journal ends before what is read next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Before {
    pub(super) last: Seq,
    pub(super) last_at: Timestamp,
    /// What the next block has to name as the one before it; `None`: that is not known.
    pub(super) hash: Option<Hash>,
}

/// What a partition should hold.
pub(super) struct Expected<'a> {
    pub(super) name: PartName,
    /// Its last number and its time.
    pub(super) last: (Seq, Timestamp),
    /// Hash of its last block.
    pub(super) tail: Option<Hash>,
    /// Every number is there.
    pub(super) is_dense: bool,
    /// Ranges that are known to be lost.
    pub(super) holes: &'a [(Seq, Seq)],
    pub(super) lookup: Lookup<'a>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Found {
    pub(super) events: u64,
    pub(super) last: Seq,
    pub(super) last_at: Timestamp,
}

/// Reads blocks one after the other.
pub(super) struct Reading<'a> {
    pub(super) expected: Expected<'a>,
    pub(super) problems: &'a mut Problems,
    before: Before,
    events: u64,
}

impl<'a> Reading<'a> {
    /// `before`: where the journal ends before the partition's first number.
    pub(super) fn new(expected: Expected<'a>, before: Before, problems: &'a mut Problems) -> Self {
        Reading { expected, problems, before, events: 0 }
    }

    /// Reads all blocks. An error: not even their keys can be read, or a later version wrote them.
    pub(super) fn all(mut self, blocks: &Blocks) -> Result<Found, ReadError> {
        let mut opener = Opener::new()?;
        let starts = blocks.starts()?;
        for (index, first) in starts.iter().enumerate() {
            let next = starts.get(index + 1).copied();
            match blocks.block(*first, &mut opener) {
                Ok(opened) => self.take(&opened)?,
                Err(newer @ ReadError::Newer { .. }) => return Err(newer),
                Err(error) => self.lose(blocks, (*first, next), &error),
            }
        }
        self.end();
        Ok(Found { events: self.events, last: self.before.last, last_at: self.before.last_at })
    }

    fn take(&mut self, block: &Opened) -> Result<(), ReadError> {
        let (header, name) = (&block.header, self.expected.name);
        let (seqs, times) = ((header.first, header.last), (header.first_at, header.last_at));
        let is_next = self.before.hash.is_none_or(|hash| hash == header.previous);
        let skipped = (self.before.last.next(), Seq(header.first.0.saturating_sub(1)));
        if header.first <= self.before.last {
            let what = "its numbers stand in the block before it already".to_owned();
            self.problems.add(Some(name), seqs, times, Damage::Foreign, what);
        } else if skipped.0 <= skipped.1 && (!is_next || self.expected.is_dense) {
            self.miss(skipped, header.first_at);
        } else if !is_next {
            let what = "it does not follow the block before it".to_owned();
            self.problems.add(Some(name), seqs, times, Damage::Foreign, what);
        }
        if header.first_at < self.before.last_at || header.first_at.day() != name.day {
            let what = format!("events of {} stand where they do not belong", header.first_at);
            self.problems.add(Some(name), seqs, times, Damage::Foreign, what);
        }
        if self.expected.lookup.misses(block)? {
            let what = "the index does not lead to these events".to_owned();
            self.problems.add(Some(name), seqs, times, Damage::Derived, what);
        }
        self.events += block.events.len() as u64;
        self.before = Before { last: header.last, last_at: header.last_at, hash: Some(block.hash) };
        Ok(())
    }

    /// A block cannot be read: it takes along all numbers up to the next.
    fn lose(&mut self, blocks: &Blocks, (first, next): (Seq, Option<Seq>), error: &ReadError) {
        let (end, end_at) = self.expected.last;
        let last = next.map_or(end, |next| Seq(next.0.saturating_sub(1))).max(first);
        let next_header = next.and_then(|next| blocks.header_at_or_before(next).ok().flatten());
        let to = next_header.map_or(end_at, |header| header.first_at).max(self.before.last_at);
        let skipped = (self.before.last.next(), Seq(first.0.saturating_sub(1)));
        if skipped.0 <= skipped.1 && self.expected.is_dense {
            self.miss(skipped, to);
        }
        let times = (self.before.last_at, to);
        self.problems.add(Some(self.expected.name), (first, last), times, Damage::Unreadable, error.to_string());
        self.before = Before { last, last_at: self.before.last_at, hash: None };
    }

    /// After the last block nothing may be missing.
    fn end(&mut self) {
        let (last, last_at) = self.expected.last;
        let is_tail = match (self.before.hash, self.expected.tail) {
            (Some(found), Some(tail)) => found == tail,
            _ => true,
        };
        let skipped = (self.before.last.next(), last);
        if skipped.0 <= skipped.1 && (!is_tail || self.expected.is_dense) {
            self.miss(skipped, last_at);
        } else if !is_tail {
            let what = "the last block is not the one that was recorded".to_owned();
            let seqs = (self.before.last, self.before.last.max(last));
            self.problems.add(Some(self.expected.name), seqs, (last_at, last_at), Damage::Foreign, what);
        }
        self.before.last = self.before.last.max(last);
        self.before.last_at = self.before.last_at.max(last_at);
    }

    fn miss(&mut self, (first, last): (Seq, Seq), to: Timestamp) {
        let is_known = self.expected.holes.iter().any(|hole| hole.0 <= last && first <= hole.1);
        if !is_known {
            let times = (self.before.last_at, to.max(self.before.last_at));
            let what = "blocks are not there".to_owned();
            self.problems.add(Some(self.expected.name), (first, last), times, Damage::Missing, what);
        }
    }
}
