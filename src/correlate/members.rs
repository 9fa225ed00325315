//! The values of several members, taken out of a JSON text in one pass that keeps nothing else.
//!
//! The values are those that the parsed document has: of members with one name the last counts. Unlike there, values
//! outside all paths are read by their grammar only. So numbers out of range and deep nesting do no harm in them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::text::json_text;

/// Paths made of names, as a tree: each place of a document that a path passes.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    root: Place,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Place {
    /// Where the value's text goes, if a path ends here.
    slot: Option<usize>,
    members: BTreeMap<Box<str>, Place>,
}

/// The texts found, by slot.
type Found = [Option<String>];

impl Members {
    /// Adds a path; returns its slot. Equal paths have one.
    pub(super) fn add(&mut self, path: &[&str]) -> usize {
        let slot = self.root.at(path).slot.get_or_insert(self.len);
        self.len = self.len.max(*slot + 1);
        *slot
    }

    /// The texts of strings, numbers and booleans that stand where the paths lead, by slot. `None`: not JSON.
    pub(super) fn find(&self, text: &str) -> Option<Vec<Option<String>>> {
        let mut found = vec![None; self.len];
        let mut json = serde_json::Deserializer::from_str(text);
        Walk { place: &self.root, found: &mut found }.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(found)
    }
}

impl Place {
    fn at(&mut self, path: &[&str]) -> &mut Place {
        path.iter().fold(self, |place, name| place.members.entry((*name).into()).or_default())
    }

    fn clear(&self, found: &mut Found) {
        if let Some(found) = self.slot.and_then(|slot| found.get_mut(slot)) {
            *found = None;
        }
        self.members.values().for_each(|place| place.clear(found));
    }
}

/// Reads one value at a place.
struct Walk<'a> {
    place: &'a Place,
    found: &'a mut Found,
}

impl Walk<'_> {
    fn scalar<E>(self, text: impl FnOnce() -> Option<String>) -> Result<(), E> {
        if let Some(found) = self.place.slot.and_then(|slot| self.found.get_mut(slot)) {
            *found = text();
        }
        Ok(())
    }

    fn number<E>(self, number: impl Into<Value>) -> Result<(), E> {
        self.scalar(|| json_text(&number.into()).map(String::from))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        // An earlier member of this name counts no more, nor does what it held.
        self.place.clear(self.found);
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.scalar(|| Some(flag.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.scalar(|| Some(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(place) = members.next_key_seed(Name(&self.place.members))? {
            match place {
                Some(place) => members.next_value_seed(Walk { place, found: &mut *self.found })?,
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads a name and looks it up.
struct Name<'a>(&'a BTreeMap<Box<str>, Place>);

impl<'a, 'de> DeserializeSeed<'de> for Name<'a> {
    type Value = Option<&'a Place>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Option<&'a Place>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::JsonPath;

    /// What the parsed document has there.
    fn by_tree(path: &[&str], text: &str) -> Option<String> {
        let document: Value = serde_json::from_str(text).ok()?;
        let names: String = path.iter().map(|name| format!("['{name}']")).collect();
        let path = JsonPath::parse(&format!("${names}")).expect("a path");
        path.select(&document).into_iter().find_map(|value| json_text(value).map(String::from))
    }

    fn by_pass(paths: &[Vec<&str>], text: &str) -> Vec<Option<String>> {
        let mut members = Members::default();
        let slots: Vec<usize> = paths.iter().map(|path| members.add(path)).collect();
        let found = members.find(text).unwrap_or(vec![None; slots.len()]);
        slots.into_iter().map(|slot| found[slot].clone()).collect()
    }

    fn check(text: &str, path: &[&str], expected: Option<&str>) {
        assert_eq!(by_pass(&[path.to_vec()], text), [expected.map(String::from)], "{text}");
        assert_eq!(by_tree(path, text).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_last_member_of_a_name_counts_with_all_that_it_holds() {
        check(r#"{"a": {"b": 1}, "a": {"c": 2}}"#, &["a", "b"], None);
        check(r#"{"a": {"b": 1}, "a": 3}"#, &["a", "b"], None);
        check(r#"{"a": 3, "\u0061": {"b": 1}}"#, &["a", "b"], Some("1"));
        check(r#"{"a": {"b": 1, "b": null}}"#, &["a", "b"], None);
        check(r#"{"a": {"b": 1, "b": "2"}}"#, &["a", "b"], Some("2"));
    }

    #[test]
    fn nothing_is_found_in_what_is_not_json() {
        for text in [r#"{"a": 1} x"#, r#"{"a": 1}{"a": 1}"#, r#"{"a": 1"#, r#"{"a": 1, "b": tru}"#, r#"{"a": 01}"#] {
            check(text, &["a"], None);
        }
    }

    #[test]
    fn deep_nesting_where_no_path_goes_does_no_harm() {
        let text = format!("{{\"x\": {}{}, \"a\": 1}}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(by_pass(&[vec!["a"]], &text), [Some("1".into())]);
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string()),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        ]
    }

    /// JSON text with few names, some of them written with escapes, some twice in one object.
    fn document() -> impl Strategy<Value = String> {
        let string = "\"([a-zж ]|\\\\(n|\"|\\\\|u00e9|ud83d\\\\ude00)){0,5}\"";
        let leaf = prop_oneof![Just("null".to_owned()), any::<bool>().prop_map(|b| b.to_string()), number(), string];
        let value = leaf.prop_recursive(4, 40, 5, |inner| {
            let name = "\"(a|b|\\\\u0061|\\\\u0062|c|)\"";
            let member = (name, inner.clone()).prop_map(|(name, value)| format!("{name} :{value}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
                proptest::collection::vec(member, 0..5).prop_map(|members| format!("{{ {}}}", members.join(","))),
            ]
        });
        (value, "( |x|\\}){0,1}").prop_map(|(value, after)| value + &after)
    }

    proptest! {
        #[test]
        fn the_pass_finds_what_the_tree_has(
            text in document(),
            paths in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("")], 0..4), 1..5),
        ) {
            let expected: Vec<_> = paths.iter().map(|path| by_tree(path, &text)).collect();
            prop_assert_eq!(by_pass(&paths, &text), expected);
        }
    }
}
