//! A search: one page of the events that a filter wants, with a bound on the work for it.

use std::ops::Range;

use crate::clock;
use crate::journal::{self, ReadError, Reader};
use crate::model::api::{EventView, EventsPage};
use crate::model::{Event, Seq, Timestamp};
use crate::question::{self, Format, Order};

use super::budget::Budget;
use super::cursor;
use super::damage::{Answer, Damage};
use super::error::{BadQuestion, Unreadable};
use super::filter::Filter;
use super::handles::Handles;
use super::period::Period;
use super::read::limit;

/// Events of a page of JSON; the page stays below about a megabyte.
const LIMIT_MAX: usize = 1000;
/// Events of an export. Its rows are smaller, and programs read them.
const EXPORT_LIMIT_MAX: usize = 10_000;

type Events = Box<dyn Iterator<Item = Result<Event, ReadError>>>;

/// A search of events, or the rest of one after some pages.
#[derive(Debug)]
pub struct Search {
    /// The events that are wanted.
    filter: Filter,
    /// The time in which the events were observed.
    period: Period,
    /// Newest or oldest first.
    order: journal::Order,
    /// The last number that an earlier page looked at.
    after: Option<Seq>,
    /// Most events in the page.
    limit: usize,
    /// The parameters that all pages of the search share: a cursor belongs to them.
    same: Vec<(String, String)>,
}

/// The events of one page.
#[derive(Debug, PartialEq)]
struct Found {
    /// In the search's order.
    events: Vec<Event>,
    /// The last number looked at, unless nothing is left to look at.
    next: Option<Seq>,
    /// Blocks that could not be read.
    damage: Damage,
}

impl Search {
    /// Reads the question.
    ///
    /// # Errors
    /// The question has no meaning, or the cursor belongs to another search.
    pub fn read(asked: &question::Events, now: Timestamp) -> Result<Search, BadQuestion> {
        let limit_max = if asked.format.unwrap_or_default() == Format::Json { LIMIT_MAX } else { EXPORT_LIMIT_MAX };
        let same = question::Events { limit: None, cursor: None, format: None, ..asked.clone() };
        let same = question::pairs(&same);
        let order = match asked.order.unwrap_or_default() {
            Order::Desc => journal::Order::Descending,
            Order::Asc => journal::Order::Ascending,
        };
        Ok(Search {
            filter: Filter::read(asked)?,
            period: Period::read(asked.from.as_deref(), asked.to.as_deref(), now)?,
            order,
            after: asked.cursor.as_deref().map(|text| cursor::read(text, &same)).transpose()?,
            limit: limit(asked.limit, limit_max)?,
            same,
        })
    }

    /// Answers with one page. It ends when it is full, when its budget is spent, or when no event is left.
    ///
    /// # Errors
    /// Too much of the journal cannot be read.
    pub fn page(&self, handles: &Handles) -> Result<Answer<EventsPage>, Unreadable> {
        let Found { events, next, damage } = self.run(&handles.reader, Budget::PAGE)?;
        let next_cursor = next.map(|seq| cursor::write(seq, &self.same));
        let view = EventsPage { events: events.iter().map(EventView::brief).collect(), next_cursor };
        Ok(Answer { view, left_out: damage })
    }

    fn run(&self, reader: &Reader, budget: Budget) -> Result<Found, ReadError> {
        let range = self.range(reader)?;
        let begun = clock::instant();
        let (mut events, mut damage, mut looked) = (Vec::new(), Damage::default(), 0);
        for event in self.events(reader, range.clone()) {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    damage.note(error)?;
                    continue;
                }
            };
            looked += 1;
            let seq = event.seq;
            if self.filter.matches(&event) {
                events.push(event);
            }
            let full = events.len() >= self.limit;
            if (full || budget.is_spent(looked, begun)) && !self.is_end(seq, &range) {
                return Ok(Found { events, next: Some(seq), damage });
            }
            if full {
                break;
            }
        }
        Ok(Found { events, next: None, damage })
    }

    /// The events that the index leads to, or all events without a term.
    fn events(&self, reader: &Reader, range: Range<Seq>) -> Events {
        match self.filter.term() {
            Some(term) => Box::new(reader.find(&term, range, self.order)),
            None => Box::new(reader.scan(range, self.order)),
        }
    }

    fn range(&self, reader: &Reader) -> Result<Range<Seq>, ReadError> {
        let mut range = self.period.seqs(reader)?;
        match (self.after, self.order) {
            (Some(after), journal::Order::Ascending) => range.start = range.start.max(after.next()),
            (Some(after), journal::Order::Descending) => range.end = range.end.min(after),
            (None, _) => {}
        }
        range.end = range.end.max(range.start);
        Ok(range)
    }

    fn is_end(&self, seq: Seq, range: &Range<Seq>) -> bool {
        match self.order {
            journal::Order::Ascending => seq.next() >= range.end,
            journal::Order::Descending => seq <= range.start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Filled, asked, event};
    use super::*;
    use crate::journal::Term;
    use crate::model::Kind;

    fn search(query: &str, order: Order, limit: usize) -> Search {
        let asked = question::Events { order: Some(order), limit: Some(limit), ..asked(query) };
        Search::read(&asked, Timestamp::default()).unwrap()
    }

    /// Ten events; every third is a dead letter, every second is of order A.
    fn ten() -> Filled {
        let events = (1..=10).map(|seq| {
            let kind = if seq % 3 == 0 { Kind::DeadLetter } else { Kind::Publish };
            let mut event = event(kind, seq);
            event.order_id = (seq % 2 == 0).then(|| "A".into());
            event
        });
        Filled::new(events.collect())
    }

    /// All pages of a search, as numbers.
    fn pages(journal: &Filled, mut search: Search, budget: Budget) -> Vec<Vec<u64>> {
        let mut pages = Vec::new();
        loop {
            let found = search.run(&journal.reader, budget).unwrap();
            pages.push(found.events.iter().map(|event| event.seq.0).collect());
            match found.next {
                Some(next) => search.after = Some(next),
                None => return pages,
            }
            assert!(pages.len() < 20, "the search does not end");
        }
    }

    #[test]
    fn pages_follow_each_other_without_holes() {
        let descending = pages(&ten(), search("", Order::Desc, 4), Budget::PAGE);
        assert_eq!(descending, [vec![10, 9, 8, 7], vec![6, 5, 4, 3], vec![2, 1]]);
        let ascending = pages(&ten(), search("", Order::Asc, 5), Budget::PAGE);
        assert_eq!(ascending, [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
    }

    #[test]
    fn an_index_term_is_used_and_the_rest_filtered() {
        let search = search("kind=dead_letter&order_id=A", Order::Desc, 10);
        assert_eq!(search.filter.term(), Some(Term::OrderId("A".into())));
        assert_eq!(pages(&ten(), search, Budget::PAGE), [[6]]);
    }

    #[test]
    fn a_spent_budget_gives_what_was_found_and_goes_on() {
        let budget = Budget { events_max: 4, ..Budget::PAGE };
        let found = pages(&ten(), search("kind=publish", Order::Desc, 10), budget);
        assert_eq!(found, [vec![10, 8, 7], vec![5, 4], vec![2, 1]]);
    }

    #[test]
    fn a_cursor_holds_while_events_arrive() {
        let mut journal = ten();
        let mut search = search("", Order::Desc, 4);
        search.after = search.run(&journal.reader, Budget::PAGE).unwrap().next;
        journal.push(event(Kind::Publish, 11));
        let second = search.run(&journal.reader, Budget::PAGE).unwrap();
        assert_eq!(second.events.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [6, 5, 4, 3]);
    }

    #[test]
    fn from_is_inclusive_and_to_exclusive() {
        let at = |seq: i64| Some(Timestamp::from_micros(seq * 1_000_000));
        let mut search = search("", Order::Asc, 100);
        search.period = Period { from: at(3), to: at(6) };
        assert_eq!(pages(&ten(), search, Budget::PAGE), [[3, 4, 5]]);
    }

    #[test]
    fn an_empty_journal_has_an_empty_page() {
        assert_eq!(pages(&Filled::new(vec![]), search("", Order::Desc, 4), Budget::PAGE), [Vec::<u64>::new()]);
    }
}
