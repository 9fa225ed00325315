//! The findings of rules, so that they are not searched for again.

use std::collections::HashMap;

use crate::model::Str;

/// A rule's number within its [`Correlator`](super::Correlator).
pub(super) type RuleNumber = usize;

/// What the rules of one correlator found in one body.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<(RuleNumber, Option<Str>)>);

impl Findings {
    pub(super) fn of(&mut self, rule: RuleNumber, find: impl FnOnce() -> Option<Str>) -> Option<Str> {
        if let Some((_, found)) = self.0.iter().find(|(known, _)| *known == rule) {
            return found.clone();
        }
        let found = find();
        self.0.push((rule, found.clone()));
        found
    }
}

/// What the patterns of one correlator made of names: those of queues, exchanges, clients and users hardly ever change
/// from one event to the next.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    by_rule: Vec<HashMap<Str, Option<Str>>>,
    entries: usize,
}

/// Some thousands of queues with a rule or two each. Where there are more, all is forgotten and learned anew.
const ENTRIES_MAX: usize = 4096;
/// Longer texts are not remembered. The broker's own names are no longer than this.
const TEXT_BYTES_MAX: usize = 255;

impl Memo {
    pub(super) fn of(&mut self, rule: RuleNumber, text: &Str, find: impl FnOnce() -> Option<Str>) -> Option<Str> {
        if let Some(found) = self.by_rule.get(rule).and_then(|texts| texts.get(text)) {
            return found.clone();
        }
        let found = find();
        if text.len() > TEXT_BYTES_MAX {
            return found;
        }
        if self.entries >= ENTRIES_MAX {
            *self = Memo::default();
        }
        if self.by_rule.len() <= rule {
            self.by_rule.resize_with(rule + 1, HashMap::new);
        }
        if let Some(texts) = self.by_rule.get_mut(rule) {
            texts.insert(text.clone(), found.clone());
            self.entries += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_at_once_by_each_rule() {
        let mut memo = Memo::default();
        let text: Str = "orders".into();
        for (rule, result) in [(0, None), (3, Some("a".into()))] {
            assert_eq!(memo.of(rule, &text, || result.clone()), result);
            assert_eq!(memo.of(rule, &text, || panic!("known")), result);
        }
        let long: Str = "x".repeat(TEXT_BYTES_MAX + 1).into();
        assert_eq!(memo.of(0, &long, || Some("b".into())), Some("b".into()));
        assert_eq!(memo.of(0, &long, || None), None, "long texts are not kept");
    }

    #[test]
    fn a_full_memo_begins_anew() {
        let mut memo = Memo::default();
        for number in 0..=ENTRIES_MAX {
            memo.of(number % 3, &number.to_string().into(), || None);
            assert!(memo.entries <= ENTRIES_MAX);
            assert_eq!(memo.entries, memo.by_rule.iter().map(HashMap::len).sum::<usize>());
        }
        assert_eq!(memo.entries, 1);
    }
}
