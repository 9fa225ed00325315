//! Walking over blocks: all blocks of a range, or those that the index names.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{Event, Seq};

use super::block::{Opened, Opener};
use super::error::ReadError;
use super::order::Order;
use super::part::Part;
use super::parts::{Parts, Pinned};
use super::term::TermHash;

/// A block to decode: its partition, its first number, and the last number to skip if the block is damaged.
pub(super) type Next = (Pinned, Seq, Seq);

/// Names the next block that a walk has to decode.
pub(super) trait NextBlock {
    /// The next block. `range` holds the numbers that are still wanted.
    fn next_block(&mut self, range: &Range<Seq>) -> Result<Option<Next>, ReadError>;

    /// The partitions that are searched.
    fn parts(&self) -> &Parts;
}

/// Every block of a range.
pub(super) struct Scan {
    parts: Arc<Parts>,
    order: Order,
    current: Option<Pinned>,
}

impl Scan {
    pub(super) fn new(parts: Arc<Parts>, order: Order) -> Self {
        Scan { parts, order, current: None }
    }

    /// The current partition, as long as it may hold the next number. So it is read to its end even if it is rewritten
    /// meanwhile.
    fn pinned(&mut self, next: Seq) -> Result<Option<Pinned>, ReadError> {
        let span = self.current.as_ref().and_then(|pinned| pinned.part.span());
        if span.is_some_and(|span| span.first <= next && next <= span.last) {
            return Ok(self.current.clone());
        }
        loop {
            let part = match self.order {
                Order::Ascending => self.parts.at_or_after(next),
                Order::Descending => self.parts.at_or_before(next),
            };
            let Some(part) = part else { return Ok(None) };
            if let Some(pinned) = self.parts.pin(&part)? {
                self.current = Some(pinned.clone());
                return Ok(Some(pinned));
            }
        }
    }
}

impl NextBlock for Scan {
    fn next_block(&mut self, range: &Range<Seq>) -> Result<Option<Next>, ReadError> {
        let mut next = match self.order {
            Order::Ascending => range.start,
            Order::Descending => Seq(range.end.0.saturating_sub(1)),
        };
        while let Some(pinned) = self.pinned(next)? {
            let block = match self.order {
                Order::Ascending => pinned.blocks.at_or_after(next)?,
                Order::Descending => pinned.blocks.at_or_before(next)?,
            };
            if let Some((first, last)) = block {
                return Ok(Some((pinned, first, last)));
            }
            // Retention, or damage, has taken the partition's end or beginning.
            let Some(span) = pinned.part.span() else { return Ok(None) };
            self.current = None;
            next = match self.order {
                Order::Ascending => span.last.next(),
                Order::Descending if span.first > Seq::FIRST => Seq(span.first.0 - 1),
                Order::Descending => return Ok(None),
            };
        }
        Ok(None)
    }

    fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// The blocks that the index names for any of some terms.
pub(super) struct Find {
    parts: Arc<Parts>,
    /// The partitions that are still to be asked; the next one last.
    remaining: Vec<Arc<Part>>,
    hashes: Vec<TermHash>,
    order: Order,
    blocks: VecDeque<Seq>,
    current: Option<Pinned>,
}

impl Find {
    pub(super) fn new(parts: Arc<Parts>, mut hashes: Vec<TermHash>, order: Order) -> Self {
        hashes.sort_unstable();
        let mut remaining = parts.all();
        if order == Order::Ascending {
            remaining.reverse();
        }
        Find { parts, remaining, hashes, order, blocks: VecDeque::new(), current: None }
    }

    fn next_in_part(&mut self) -> Option<Seq> {
        match self.order {
            Order::Ascending => self.blocks.pop_front(),
            Order::Descending => self.blocks.pop_back(),
        }
    }

    /// Asks a partition's index. Opens the partition's database only if the index names blocks.
    fn ask(&mut self, part: &Arc<Part>) -> Result<(), ReadError> {
        let blocks = part.blocks_with(&self.hashes)?;
        if blocks.is_empty() {
            return Ok(());
        }
        self.current = self.parts.pin(part)?;
        self.blocks = match &self.current {
            // The partition was rewritten after the question began: its blocks have other numbers.
            Some(pinned) if pinned.part.name() != part.name() => pinned.part.blocks_with(&self.hashes)?.into(),
            Some(_) => blocks.into(),
            None => VecDeque::new(),
        };
        Ok(())
    }
}

impl NextBlock for Find {
    fn next_block(&mut self, range: &Range<Seq>) -> Result<Option<Next>, ReadError> {
        loop {
            while let Some(first) = self.next_in_part() {
                if let Some(pinned) = self.current.clone().filter(|_| first < range.end) {
                    return Ok(Some((pinned, first, first)));
                }
            }
            let Some(part) = self.remaining.pop() else { return Ok(None) };
            if part.span().is_some_and(|span| span.last >= range.start && span.first < range.end) {
                self.ask(&part).inspect_err(|error| self.parts.met(&part, error))?;
            }
        }
    }

    fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// Decodes the blocks that `blocks` names, and gives out their events one by one.
pub(super) struct Walk<B> {
    range: Range<Seq>,
    order: Order,
    blocks: B,
    opener: Option<Opener>,
    events: std::vec::IntoIter<Event>,
}

impl<B: NextBlock> Walk<B> {
    pub(super) fn new(range: Range<Seq>, order: Order, blocks: B) -> Self {
        Walk { range, order, blocks, opener: None, events: Vec::new().into_iter() }
    }

    fn open_next(&mut self) -> Option<Result<(), ReadError>> {
        let (pinned, first, last) = match self.blocks.next_block(&self.range) {
            Ok(block) => block?,
            Err(error) => {
                self.range.end = self.range.start;
                return Some(Err(error));
            }
        };
        let opened = self.open(&pinned, first);
        let last = opened.as_ref().map_or(last, |opened| opened.header.last);
        let wanted = self.range.clone();
        match self.order {
            Order::Ascending => self.range.start = self.range.start.max(last.next()),
            Order::Descending => self.range.end = self.range.end.min(first),
        }
        Some(opened.map(|opened| {
            let mut events = opened.events;
            events.retain(|event| wanted.contains(&event.seq));
            self.events = events.into_iter();
        }))
    }

    fn open(&mut self, pinned: &Pinned, first: Seq) -> Result<Opened, ReadError> {
        let opener = match &mut self.opener {
            Some(opener) => opener,
            none => none.insert(Opener::new()?),
        };
        pinned.blocks.block(first, opener).inspect_err(|error| self.blocks.parts().met(&pinned.part, error))
    }
}

impl<B: NextBlock> Iterator for Walk<B> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match self.order {
                Order::Ascending => self.events.next(),
                Order::Descending => self.events.next_back(),
            };
            if let Some(event) = next {
                return Some(Ok(event));
            }
            if self.range.is_empty() {
                return None;
            }
            if let Err(error) = self.open_next()? {
                return Some(Err(error));
            }
        }
    }
}
