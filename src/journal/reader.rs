//! Reads what is committed: by number, by time, by range, by term.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{Event, Seq, Timestamp};

use super::block::Opener;
use super::day::Day;
use super::days::Days;
use super::error::ReadError;
use super::term::Term;

/// Which way a read goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    #[default]
    Descending,
}

/// Reads committed events. A cheap handle; its calls read from the disk and block while they do.
#[derive(Clone)]
pub struct Reader {
    days: Arc<Days>,
}

impl Reader {
    pub(super) fn new(days: Arc<Days>) -> Self {
        Reader { days }
    }

    /// The journal's name in the world: with it, an event's number means the same everywhere.
    #[must_use]
    pub fn journal_id(&self) -> &str {
        self.days.id()
    }

    /// The oldest event that is kept; one past [`Self::last_seq`] while there is none.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        let first = self.days.all().iter().find_map(|day| day.span());
        first.map_or(self.last_seq().next(), |span| span.first)
    }

    /// The newest committed event; 0 while there is none.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        *self.days.committed().borrow()
    }

    /// Tells of every commit.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Seq> {
        self.days.committed().subscribe()
    }

    /// Bytes that the journal's databases take on the disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.days.all().iter().map(|day| day.disk_bytes()).sum()
    }

    /// One event; `None` where there is none of that number.
    ///
    /// # Errors
    /// [`ReadError`]: the block that should hold it is damaged.
    pub fn event(&self, seq: Seq) -> Result<Option<Event>, ReadError> {
        self.scan(seq..seq.next(), Order::Ascending).next().transpose()
    }

    /// The first event that is not earlier than `at`; one past the last where all are.
    ///
    /// # Errors
    /// [`ReadError`]: a block on the way is damaged.
    pub fn seq_at(&self, at: Timestamp) -> Result<Seq, ReadError> {
        let end = self.last_seq().next();
        let days = self.days.all();
        let spans: Vec<_> = days.iter().filter_map(|day| day.span().map(|span| (day, span))).collect();
        let later = spans.partition_point(|(_, span)| span.first_at < at);
        let next_day = spans.get(later).map_or(end, |(_, span)| span.first.min(end));
        let Some((day, span)) = later.checked_sub(1).and_then(|index| spans.get(index)) else { return Ok(next_day) };
        let (mut low, mut high) = (span.first, next_day);
        // Over blocks: everything below `low` is earlier, everything from `high` on is not.
        while low < high {
            let middle = Seq(low.0 + (high.0 - low.0) / 2);
            match day.header_at_or_before(middle)? {
                Some(header) if header.last_at < at => low = header.last().next(),
                Some(header) if header.first_at >= at => high = header.first,
                Some(header) => return self.first_in_block(header.first..header.last().next(), at),
                None => break,
            }
        }
        Ok(low.min(end))
    }

    fn first_in_block(&self, range: Range<Seq>, at: Timestamp) -> Result<Seq, ReadError> {
        let end = range.end;
        for event in self.scan(range, Order::Ascending) {
            let event = event?;
            if event.at >= at {
                return Ok(event.seq);
            }
        }
        Ok(end)
    }

    /// The events of a range, block by block as they are asked for. After an error, what follows the damaged block.
    pub fn scan(
        &self,
        range: Range<Seq>,
        order: Order,
    ) -> impl Iterator<Item = Result<Event, ReadError>> + Send + 'static {
        let end = range.end.min(self.last_seq().next());
        Walk::new(range.start.max(self.first_seq())..end, order, Scan { days: self.days.all(), order })
    }

    /// The events of a range that carry `term`, block by block as they are asked for.
    pub fn find(
        &self,
        term: &Term,
        range: Range<Seq>,
        order: Order,
    ) -> impl Iterator<Item = Result<Event, ReadError>> + Send + 'static {
        let end = range.end.min(self.last_seq().next());
        let mut days = self.days.all();
        if order == Order::Ascending {
            days.reverse();
        }
        let term = term.clone();
        let hash = term.hash();
        let find = Find { days, hash, order, blocks: VecDeque::new(), day: None };
        Walk::new(range.start..end, order, find)
            .filter(move |event| event.as_ref().map_or(true, |event| term.matches(event)))
    }
}

/// A block to decode: its day, its first number, and the last number that it takes along when it is damaged.
type Next = (Arc<Day>, Seq, Seq);

/// Names the next block that a walk has to decode.
trait NextBlock {
    /// The next block; `range` is what is still wanted.
    fn next_block(&mut self, range: &Range<Seq>) -> Option<Result<Next, ReadError>>;
}

/// Every block of a range.
struct Scan {
    days: Vec<Arc<Day>>,
    order: Order,
}

impl NextBlock for Scan {
    fn next_block(&mut self, range: &Range<Seq>) -> Option<Result<Next, ReadError>> {
        let wanted = |day: &&Arc<Day>| {
            day.span().is_some_and(|span| match self.order {
                Order::Ascending => span.last >= range.start,
                Order::Descending => span.first < range.end,
            })
        };
        let (day, found) = match self.order {
            Order::Ascending => {
                let day = self.days.iter().find(wanted)?;
                (day, day.header_at_or_after(range.start))
            }
            Order::Descending => {
                let day = self.days.iter().rev().find(wanted)?;
                (day, day.header_at_or_before(Seq(range.end.0.checked_sub(1)?)))
            }
        };
        match found {
            Ok(header) => header.map(|header| Ok((day.clone(), header.first, header.last()))),
            Err(error) => Some(Err(error)),
        }
    }
}

/// The blocks that the index names for a term.
struct Find {
    days: Vec<Arc<Day>>,
    hash: u64,
    order: Order,
    blocks: VecDeque<Seq>,
    day: Option<Arc<Day>>,
}

impl NextBlock for Find {
    fn next_block(&mut self, range: &Range<Seq>) -> Option<Result<Next, ReadError>> {
        loop {
            let next = match self.order {
                Order::Ascending => self.blocks.pop_front(),
                Order::Descending => self.blocks.pop_back(),
            };
            if let (Some(first), Some(day)) = (next, &self.day) {
                if first < range.end {
                    return Some(Ok((day.clone(), first, first)));
                }
                continue;
            }
            let day = self.days.pop()?;
            let in_range = day.span().is_some_and(|span| span.last >= range.start && span.first < range.end);
            if !in_range {
                continue;
            }
            match day.blocks_with(self.hash) {
                Ok(blocks) => self.blocks = blocks.into(),
                Err(error) => return Some(Err(error)),
            }
            self.day = Some(day);
        }
    }
}

/// Decodes the blocks that `blocks` names and gives their events out one by one.
struct Walk<B> {
    range: Range<Seq>,
    order: Order,
    blocks: B,
    opener: Option<Opener>,
    events: std::vec::IntoIter<Event>,
}

impl<B: NextBlock> Walk<B> {
    fn new(range: Range<Seq>, order: Order, blocks: B) -> Self {
        Walk { range, order, blocks, opener: None, events: Vec::new().into_iter() }
    }

    fn open_next(&mut self) -> Option<Result<(), ReadError>> {
        let (day, first, last) = match self.blocks.next_block(&self.range)? {
            Ok(block) => block,
            Err(error) => {
                self.range.end = self.range.start;
                return Some(Err(error));
            }
        };
        let opened = self.open(&day, first);
        let last = opened.as_ref().map_or(last, |opened| opened.header.last());
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

    fn open(&mut self, day: &Day, first: Seq) -> Result<super::block::Opened, ReadError> {
        let opener = match &mut self.opener {
            Some(opener) => opener,
            none => none.insert(Opener::new()?),
        };
        day.block(first, opener)
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
