//! A search: one page of the events that a filter wants, with a bound on the work for it.

use std::ops::Range;
use std::time::Duration;

use crate::clock;
use crate::journal::Order;
use crate::model::{Event, Seq};

use super::damage::Damage;
use super::facts::{Facts, Unreadable};
use super::filter::Filter;
use crate::serve::http::parameters::Period;

/// How much work one page may be. A search that finds little in much goes on with the next page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Events decoded.
    pub(super) events_max: usize,
    /// Time spent.
    pub(super) time_max: Duration,
}

impl Budget {
    /// 200 000 decoded events are a second or two of one core; five seconds keep a slow disk well within the
    /// request's time.
    pub(super) const PAGE: Budget = Budget { events_max: 200_000, time_max: Duration::from_secs(5) };
    /// The clock is asked once in this many events.
    const EVENTS_PER_LOOK: usize = 256;

    /// Whether `looked` events since `begun` use it up.
    pub(super) fn is_spent(&self, looked: usize, begun: std::time::Instant) -> bool {
        looked >= self.events_max || (looked.is_multiple_of(Self::EVENTS_PER_LOOK) && begun.elapsed() >= self.time_max)
    }
}

/// What is searched for, and from where.
#[derive(Debug)]
pub(super) struct Search {
    /// Which events.
    pub(super) filter: Filter,
    /// When they were observed.
    pub(super) period: Period,
    /// Newest or oldest first.
    pub(super) order: Order,
    /// The last number that an earlier page looked at.
    pub(super) after: Option<Seq>,
    /// Most events in the page.
    pub(super) limit: usize,
}

/// What was found.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// In the search's order.
    pub(super) events: Vec<Event>,
    /// The last number looked at, unless nothing is left to look at.
    pub(super) next: Option<Seq>,
    /// What could not be looked at.
    pub(super) damage: Damage,
}

impl Search {
    /// Runs the search until the page is full, the budget spent or the range at its end.
    pub(super) fn run(&self, facts: &dyn Facts, budget: Budget) -> Result<Found, Unreadable> {
        let range = self.range(facts)?;
        let term = self.filter.term();
        let begun = clock::instant();
        let (mut events, mut damage, mut looked) = (Vec::new(), Damage::default(), 0);
        for event in facts.read(term.as_ref(), range.clone(), self.order) {
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

    fn range(&self, facts: &dyn Facts) -> Result<Range<Seq>, Unreadable> {
        let mut range = seqs(facts, self.period)?;
        match (self.after, self.order) {
            (Some(after), Order::Ascending) => range.start = range.start.max(after.next()),
            (Some(after), Order::Descending) => range.end = range.end.min(after),
            (None, _) => {}
        }
        range.end = range.end.max(range.start);
        Ok(range)
    }

    fn is_end(&self, seq: Seq, range: &Range<Seq>) -> bool {
        match self.order {
            Order::Ascending => seq.next() >= range.end,
            Order::Descending => seq <= range.start,
        }
    }
}

/// The numbers of a period's events.
pub(super) fn seqs(facts: &dyn Facts, period: Period) -> Result<Range<Seq>, Unreadable> {
    let first = facts.first_seq();
    let past_last = facts.last_seq().next();
    let start = period.from.map_or(Ok(first), |from| facts.seq_at(from))?.max(first);
    let end = period.to.map_or(Ok(past_last), |to| facts.seq_at(to))?.min(past_last);
    Ok(start..end.max(start))
}

#[cfg(test)]
mod tests {
    use super::super::http::parameters::Parameters;
    use super::super::tests::{Fake, event};
    use super::*;
    use crate::model::{Kind, Timestamp};

    fn search(query: &str, order: Order, limit: usize) -> Search {
        let parameters = Parameters::read(&format!("/?{query}").parse().unwrap(), &["kind", "order_id"]).unwrap();
        let filter = Filter::read(&parameters).unwrap();
        Search { filter, period: Period::default(), order, after: None, limit }
    }

    /// Ten events; every third is a dead letter, every second is of order A.
    fn ten() -> Fake {
        let events = (1..=10).map(|seq| {
            let kind = if seq % 3 == 0 { Kind::DeadLetter } else { Kind::Publish };
            let mut event = event(kind, seq);
            event.order_id = (seq % 2 == 0).then(|| "A".into());
            event
        });
        Fake::new(events.collect())
    }

    /// All pages of a search, as numbers.
    fn pages(facts: &Fake, mut search: Search, budget: Budget) -> Vec<Vec<u64>> {
        let mut pages = Vec::new();
        loop {
            let found = search.run(facts, budget).unwrap();
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
        let descending = pages(&ten(), search("", Order::Descending, 4), Budget::PAGE);
        assert_eq!(descending, [vec![10, 9, 8, 7], vec![6, 5, 4, 3], vec![2, 1]]);
        let ascending = pages(&ten(), search("", Order::Ascending, 5), Budget::PAGE);
        assert_eq!(ascending, [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
    }

    #[test]
    fn an_index_term_is_used_and_the_rest_filtered() {
        let facts = ten();
        let found = pages(&facts, search("kind=dead_letter&order_id=A", Order::Descending, 10), Budget::PAGE);
        assert_eq!(found, [[6]]);
        assert_eq!(facts.terms(), ["OrderId(\"A\")"]);
    }

    #[test]
    fn a_spent_budget_gives_what_was_found_and_goes_on() {
        let budget = Budget { events_max: 4, ..Budget::PAGE };
        let found = pages(&ten(), search("kind=publish", Order::Descending, 10), budget);
        assert_eq!(found, [vec![10, 8, 7], vec![5, 4], vec![2, 1]]);
    }

    #[test]
    fn a_cursor_holds_while_events_arrive() {
        let mut facts = ten();
        let mut search = search("", Order::Descending, 4);
        search.after = search.run(&facts, Budget::PAGE).unwrap().next;
        facts.push(event(Kind::Publish, 11));
        let second = search.run(&facts, Budget::PAGE).unwrap();
        assert_eq!(second.events.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [6, 5, 4, 3]);
    }

    #[test]
    fn from_is_inclusive_and_to_exclusive() {
        let at = |seq: i64| Some(Timestamp::from_micros(seq * 1_000_000));
        let mut search = search("", Order::Ascending, 100);
        search.period = Period { from: at(3), to: at(6) };
        assert_eq!(pages(&ten(), search, Budget::PAGE), [[3, 4, 5]]);
    }

    #[test]
    fn an_empty_journal_has_an_empty_page() {
        assert_eq!(pages(&Fake::new(vec![]), search("", Order::Descending, 4), Budget::PAGE), [Vec::<u64>::new()]);
    }
}
