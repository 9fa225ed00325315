//! The problems of a source that were told already, so that each change is told once and not at every retry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::named;

/// Exchanges that went away and are waited for; one that stays away longer than a thousand others is forgotten.
const LOST_MAX: usize = 1000;

named! {
    /// A change, by its name in topology events.
    Change {
        /// Cannot be observed.
        Refused = "tap.refused",
        /// Was observed, and is gone.
        Lost = "tap.lost",
        /// Is observed again, or its problem is solved.
        Restored = "tap.restored",
    }
}

/// A change to be told, in words.
pub(super) type News = (Change, String);

/// The problems and exchanges of one source that were told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    problems: BTreeMap<String, String>,
    observed: BTreeSet<String>,
    lost: BTreeSet<String>,
}

impl Ledger {
    /// The problems that there are now, each under a key that stays the same while its text may change.
    pub fn problems(&mut self, now: BTreeMap<String, String>) -> Vec<News> {
        let mut news = Vec::new();
        for (key, text) in &now {
            if !self.problems.contains_key(key) {
                let change = if self.observed.contains(key) { Change::Lost } else { Change::Refused };
                news.push((change, text.clone()));
            }
        }
        for (key, text) in &self.problems {
            if !now.contains_key(key) {
                news.push((Change::Restored, format!("no longer so: {text}")));
            }
        }
        self.problems = now;
        news
    }

    /// The exchanges that are observed now. One that `exists` and is observed no more has gone to another source, or
    /// nobody uses it: that is no loss.
    pub fn observed(&mut self, now: BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<News> {
        let mut news = Vec::new();
        for exchange in self.observed.difference(&now).filter(|exchange| !exists(exchange)) {
            if !self.problems.contains_key(exchange) {
                news.push((
                    Change::Lost,
                    format!("exchange {exchange:?} is gone; it is observed again when it is back"),
                ));
            }
            if self.lost.len() < LOST_MAX {
                self.lost.insert(exchange.clone());
            }
        }
        for exchange in &now {
            if self.lost.remove(exchange) {
                news.push((Change::Restored, format!("exchange {exchange:?} is observed again")));
            }
        }
        self.observed = now;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(keys: &[&str]) -> BTreeMap<String, String> {
        keys.iter().map(|key| ((*key).to_owned(), format!("{key} is wrong"))).collect()
    }

    fn exchanges(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn changes(news: &[News]) -> Vec<Change> {
        news.iter().map(|(change, _)| *change).collect()
    }

    #[test]
    fn a_problem_is_told_once_and_so_is_its_end() {
        let mut ledger = Ledger::default();
        assert_eq!(changes(&ledger.problems(problems(&["a"]))), [Change::Refused]);
        assert_eq!(ledger.problems(problems(&["a"])), []);
        assert_eq!(changes(&ledger.problems(problems(&["b"]))), [Change::Refused, Change::Restored]);
        assert_eq!(changes(&ledger.problems(problems(&[]))), [Change::Restored]);
    }

    #[test]
    fn an_exchange_that_was_observed_is_lost_not_refused() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.observed(exchanges(&["shop"]), |_| false), []);
        assert_eq!(changes(&ledger.problems(problems(&["shop"]))), [Change::Lost]);
    }

    #[test]
    fn an_exchange_that_comes_back_is_told() {
        let mut ledger = Ledger::default();
        ledger.observed(exchanges(&["shop", "mes", "moved"]), |_| false);
        assert_eq!(changes(&ledger.observed(exchanges(&["mes"]), |name| name == "moved")), [Change::Lost]);
        assert_eq!(ledger.observed(exchanges(&["mes"]), |_| false), []);
        assert_eq!(changes(&ledger.observed(exchanges(&["mes", "shop", "moved"]), |_| false)), [Change::Restored]);
    }
}
