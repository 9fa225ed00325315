//! Reads committed events: by number, by time, by range, by term.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{Event, Seq, Timestamp};

use super::error::{OpenError, ReadError};
use super::order::Order;
use super::part::Span;
use super::parts::Parts;
use super::removed::{self, Removed};
use super::statistics::Statistics;
use super::term::Term;
use super::walk::{Find, Scan, Walk};

/// Reads committed events. A cheap handle. Its calls block while they read from the disk.
#[derive(Clone)]
pub struct Reader {
    parts: Arc<Parts>,
}

impl Reader {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Reader { parts }
    }

    /// The journal's id, unique in the world. Together with it, an event's number means the same everywhere.
    #[must_use]
    pub fn journal_id(&self) -> &str {
        self.parts.id()
    }

    /// The oldest event that is kept; one past [`Self::last_seq`] while there is none.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        let first = self.parts.all().iter().find_map(|part| part.span());
        first.map_or(self.last_seq().next(), |span| span.first)
    }

    /// The newest committed event; 0 while there is none.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.parts.committed()
    }

    /// Bytes that the journal's databases take on the disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.parts.all().iter().map(|part| part.disk_bytes()).sum()
    }

    /// Whether the background work is done: every partition but the newest is sealed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let mut parts = self.parts.all();
        parts.pop().is_none_or(|newest| !newest.is_waiting()) && parts.iter().all(|part| part.sealed().is_some())
    }

    /// The number of sealed partitions that are open because of a read.
    #[must_use]
    pub fn open_parts(&self) -> usize {
        self.parts.open_count()
    }

    /// The statistics of all partitions, oldest first. Partitions that retention has removed are included.
    ///
    /// # Errors
    /// The records of removed partitions cannot be read.
    pub fn statistics(&self) -> Result<Vec<Statistics>, OpenError> {
        let parts = self.parts.all();
        let live = parts.iter().filter_map(|part| part.span().map(|span| (span, part.counts())));
        let live: Vec<_> = live.collect();
        let mut all: Vec<Statistics> = Vec::new();
        for gone in removed::load(self.parts.path())? {
            // A record that overlaps a partition tells of a removal cut short, or of a hole among salvaged events.
            if !live.iter().any(|(span, _)| span.first <= gone.last && gone.first <= span.last) {
                let Removed { first, last, first_at: from, last_at: to, counts, .. } = gone;
                all.push(Statistics { first, last, from, to, kept: false, counts });
            }
        }
        all.extend(live.into_iter().map(|(span, counts)| {
            let Span { first, last, first_at: from, last_at: to } = span;
            Statistics { first, last, from, to, kept: true, counts }
        }));
        all.sort_by_key(|row| row.first);
        Ok(all)
    }

    /// One event with the bytes of its body. `None`: no event has this number.
    ///
    /// # Errors
    /// [`ReadError`]: the block that should hold it, or its bytes, is damaged.
    pub fn event(&self, seq: Seq) -> Result<Option<Event>, ReadError> {
        let mut event = self.one(seq)?;
        let body = event.as_mut().and_then(|event| event.body.as_mut());
        if let Some(body) = body
            && let Some(same) = body.same_as.take()
        {
            let other = self.one(same)?.and_then(|event| event.body).filter(|other| other.digest == body.digest);
            // Damage may have taken the event that holds the bytes.
            body.truncated |= other.is_none();
            body.data = other.map(|other| other.data).unwrap_or_default();
        }
        Ok(event)
    }

    fn one(&self, seq: Seq) -> Result<Option<Event>, ReadError> {
        self.scan(seq..seq.next(), Order::Ascending).next().transpose()
    }

    /// The first event that is not earlier than `at`; one past the last event if all are earlier.
    ///
    /// # Errors
    /// [`ReadError`]: a block on the way is damaged.
    pub fn seq_at(&self, at: Timestamp) -> Result<Seq, ReadError> {
        let end = self.last_seq().next();
        let parts = self.parts.all();
        let spans: Vec<_> = parts.iter().filter_map(|part| part.span().map(|span| (part, span))).collect();
        let later = spans.partition_point(|(_, span)| span.last_at < at);
        let Some((part, span)) = spans.get(later).filter(|(_, span)| span.first < end) else { return Ok(end) };
        if span.first_at >= at {
            return Ok(span.first);
        }
        let Some(pinned) = self.parts.pin(part)? else { return self.seq_at(at) };
        let (mut low, mut high) = (span.first, span.last.next().min(end));
        // The search goes over blocks: everything below `low` is earlier, everything from `high` on is not.
        while low < high {
            let middle = Seq(low.0 + (high.0 - low.0) / 2);
            match pinned.blocks.header_at_or_before(middle).inspect_err(|error| self.parts.met(part, error))? {
                Some(header) if header.last_at < at && header.last < low => low = middle.next(),
                Some(header) if header.last_at < at => low = header.last.next(),
                Some(header) if header.first_at >= at => high = header.first,
                Some(header) => return self.first_in_block(header.first..header.last.next(), at),
                None => low = middle.next(),
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

    /// The events of a range, block by block as they are asked for. After an error, the events behind the damaged
    /// block.
    pub fn scan(
        &self,
        range: Range<Seq>,
        order: Order,
    ) -> impl Iterator<Item = Result<Event, ReadError>> + Send + 'static {
        let end = range.end.min(self.last_seq().next());
        Walk::new(range.start.max(self.first_seq())..end, order, Scan::new(self.parts.clone(), order))
    }

    /// The events of a range that carry `term`, block by block as they are asked for.
    pub fn find(
        &self,
        term: &Term,
        range: Range<Seq>,
        order: Order,
    ) -> impl Iterator<Item = Result<Event, ReadError>> + Send + 'static {
        let end = range.end.min(self.last_seq().next());
        let term = term.clone();
        let find = Find::new(self.parts.clone(), vec![term.hash()], order);
        Walk::new(range.start..end, order, find)
            .filter(move |event| event.as_ref().map_or(true, |event| term.matches(event)))
    }

    /// The events that carry any of `terms`, each once and oldest first, block by block as they are asked for.
    pub fn find_any(
        &self,
        terms: Arc<HashSet<Term>>,
    ) -> impl Iterator<Item = Result<Event, ReadError>> + Send + 'static {
        let order = Order::Ascending;
        let find = Find::new(self.parts.clone(), terms.iter().map(Term::hash).collect(), order);
        Walk::new(Seq(0)..self.last_seq().next(), order, find)
            .filter(move |event| event.as_ref().map_or(true, |event| Term::of(event).any(|term| terms.contains(&term))))
    }
}
