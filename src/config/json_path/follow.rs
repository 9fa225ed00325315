//! Following a path from the root down, one name or index at a time: the part that needs no tree of the document.

use super::{Choice, JsonPath};

/// How far a walk down a document has come in a path: the steps that members and items of a value may match, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress(u64);

/// One bit is for "all steps matched".
const STEPS_MAX: usize = 63;

impl JsonPath {
    /// The names that lead to the value, where the path is nothing but names of members.
    #[must_use]
    pub fn members(&self) -> Option<Vec<&str>> {
        let only = |step: &super::Step| matches!(step.choices.as_slice(), [Choice::Name(_)]) && !step.below;
        self.steps.iter().all(only).then(|| self.names().collect())
    }

    /// At the root. `None`: a filter, a slice or an index from the end needs the whole container.
    #[must_use]
    pub fn start(&self) -> Option<Progress> {
        let mut choices = self.steps.iter().flat_map(|step| &step.choices);
        (choices.all(Choice::is_local) && self.steps.len() <= STEPS_MAX).then_some(Progress(1))
    }

    /// At the member of this name, from its object.
    #[must_use]
    pub fn member(&self, from: Progress, name: &str) -> Progress {
        self.advance(from, |choice| match choice {
            Choice::Name(own) => own == name,
            Choice::All => true,
            Choice::Index(_) | Choice::Library(_) => false,
        })
    }

    /// At the item with this index, from its array.
    #[must_use]
    pub fn item(&self, from: Progress, index: usize) -> Progress {
        self.advance(from, |choice| match choice {
            Choice::Index(own) => usize::try_from(*own) == Ok(index),
            Choice::All => true,
            Choice::Name(_) | Choice::Library(_) => false,
        })
    }

    /// The path selects the value.
    #[must_use]
    pub fn selects(&self, progress: Progress) -> bool {
        progress.0 >> self.steps.len() & 1 == 1
    }

    fn advance(&self, from: Progress, matches: impl Fn(&Choice) -> bool) -> Progress {
        let mut next = 0;
        for (index, step) in self.steps.iter().enumerate() {
            let here = from.0 >> index & 1;
            if here == 0 {
                continue;
            }
            next |= u64::from(step.below) << index;
            next |= u64::from(step.choices.iter().any(&matches)) << (index + 1);
        }
        Progress(next)
    }
}

impl Progress {
    /// Nothing is selected from here down.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.0 == 0
    }
}

impl Choice {
    /// One name or index says whether it matches.
    fn is_local(&self) -> bool {
        match self {
            Choice::Name(_) | Choice::All => true,
            Choice::Index(index) => *index >= 0,
            Choice::Library(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn path(text: &str) -> JsonPath {
        JsonPath::parse(text).expect("a path")
    }

    #[test]
    fn only_paths_of_names_have_members() {
        assert_eq!(path("$.a['b c'].d").members(), Some(vec!["a", "b c", "d"]));
        assert_eq!(path("$").members(), Some(vec![]));
        for other in ["$..a", "$.a[0]", "$.*", "$['a','b']", "$.a[?(@.b)]", "$.a[1:2]"] {
            assert_eq!(path(other).members(), None, "{other}");
        }
    }

    #[test]
    fn what_needs_the_whole_container_cannot_be_followed() {
        for other in ["$.a[-1]", "$[?(@.b)]", "$.a[1:2]", "$..['a',-1]"] {
            assert_eq!(path(other).start(), None, "{other}");
        }
        assert_eq!(path(&format!("${}", ".a".repeat(64))).start(), None);
        assert!(path(&format!("${}", ".a".repeat(63))).start().is_some());
    }

    /// What following the path selects, as addresses in the document.
    fn followed(path: &JsonPath, value: &Value, progress: Progress, found: &mut Vec<*const Value>) {
        if path.selects(progress) {
            found.push(value);
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, child)| followed(path, child, path.member(progress, name), found));
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| followed(path, item, path.item(progress, index), found));
            }
            _ => {}
        }
    }

    fn document() -> impl Strategy<Value = Value> {
        Just(json!(1)).prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn following_selects_what_the_tree_does(
            text in "\\$((\\.|\\.\\.)[a-c*]|\\[[0-2]\\]|\\.\\.\\[[0-2]\\]|\\['a','b'\\]|\\[\\*,1\\]){0,4}",
            document in document(),
        ) {
            let path = path(&text);
            let mut found = Vec::new();
            followed(&path, &document, path.start().expect("local"), &mut found);
            let mut expected: Vec<*const Value> = path.select(&document).into_iter().map(std::ptr::from_ref).collect();
            found.sort();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(found, expected);
        }
    }
}
