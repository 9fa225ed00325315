//! A JSON path (RFC 9535), parsed, and the values that it selects.
//!
//! The library's own evaluation writes down the path of every value that it passes. On a body with one name of a
//! megabyte over a million values that needs more memory than there is. So only filters are left to the library, one
//! container at a time.

mod follow;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

pub use follow::Progress;

/// A JSON path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

/// What one segment selects from each value, or from each value and everything below it.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    below: bool,
    choices: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Name(String),
    Index(i64),
    All,
    /// A slice or a filter, as a path of its own.
    Library(JpQuery),
}

/// The text is not a JSON path.
#[derive(Debug, thiserror::Error)]
pub enum NotAJsonPath {
    /// It does not follow the grammar.
    #[error("{text:?} is not a JSON path like $.order.id: {reason}")]
    Syntax {
        /// The text.
        text: String,
        /// What was expected, and where.
        reason: String,
    },
    /// A filter looks at the whole body.
    #[error("{text:?} has a filter that refers to $; filters may refer to @ only")]
    RootInFilter {
        /// The text.
        text: String,
    },
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`NotAJsonPath`], with what the parser says on one line.
    pub fn parse(text: &str) -> Result<JsonPath, NotAJsonPath> {
        let query = parse_json_path(text).map_err(|error| {
            // The parser draws the text with an arrow below; its last line says what it expected.
            let drawn = error.to_string();
            let reason = drawn.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            NotAJsonPath::Syntax { text: text.to_owned(), reason: reason.trim_start_matches("= ").to_owned() }
        })?;
        let steps: Vec<Step> = query.segments.into_iter().map(step).collect();
        let mut choices = steps.iter().flat_map(|step| &step.choices);
        // Each filter sees one container as its root.
        if choices.any(|choice| matches!(choice, Choice::Library(_))) && roots(text) > 1 {
            return Err(NotAJsonPath::RootInFilter { text: text.to_owned() });
        }
        Ok(JsonPath { steps })
    }

    /// The values it selects.
    #[must_use]
    pub fn select<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            while let Some(value) = found.pop() {
                step.choices.iter().for_each(|choice| choice.select(value, &mut next));
                if step.below {
                    match value {
                        Value::Array(items) => found.extend(items.iter().rev()),
                        Value::Object(members) => found.extend(members.values().rev()),
                        _ => {}
                    }
                }
            }
            next.reverse();
            found = next;
        }
        found.reverse();
        found
    }

    /// Names that must all be there for anything to be selected.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step.choices.as_slice() {
            [only] => only.name(),
            _ => None,
        })
    }

    /// The names its selected values can stand under, the last that the path spells out; empty where it spells none.
    #[must_use]
    pub fn last_names(&self) -> Vec<&str> {
        // A choice between names and others says too little.
        let names =
            self.steps.iter().rev().map(|step| step.choices.iter().map(Choice::name).collect::<Option<Vec<_>>>());
        names.flatten().next().unwrap_or_default()
    }
}

fn step(segment: Segment) -> Step {
    match segment {
        Segment::Descendant(inner) => Step { below: true, ..step(*inner) },
        Segment::Selector(selector) => Step { below: false, choices: vec![choice(selector)] },
        Segment::Selectors(selectors) => Step { below: false, choices: selectors.into_iter().map(choice).collect() },
    }
}

fn choice(selector: Selector) -> Choice {
    match selector {
        Selector::Name(name) => Choice::Name(name),
        Selector::Index(index) => Choice::Index(index),
        Selector::Wildcard => Choice::All,
        other @ (Selector::Slice(..) | Selector::Filter(_)) => {
            Choice::Library(JpQuery::new(vec![Segment::Selector(other)]))
        }
    }
}

impl Choice {
    fn name(&self) -> Option<&str> {
        match self {
            Choice::Name(name) => Some(name),
            Choice::Index(_) | Choice::All | Choice::Library(_) => None,
        }
    }

    fn select<'a>(&self, value: &'a Value, found: &mut Vec<&'a Value>) {
        match (self, value) {
            (Choice::Name(name), Value::Object(members)) => found.extend(members.get(name)),
            (Choice::All, Value::Object(members)) => found.extend(members.values()),
            (Choice::All, Value::Array(items)) => found.extend(items),
            (Choice::Index(index), Value::Array(items)) => found.extend(at(items, *index)),
            (Choice::Library(query), Value::Array(_) | Value::Object(_)) => {
                found.extend(js_path_process(query, value).into_iter().flatten().map(|one| one.val));
            }
            _ => {}
        }
    }
}

/// How often `$` stands outside of quotes.
fn roots(text: &str) -> usize {
    let (mut quote, mut escaped, mut count) = (None, false, 0);
    for c in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None => count += usize::from(c == '$'),
        }
    }
    count
}

/// Counted from the end where the index is negative.
fn at(items: &[Value], index: i64) -> Option<&Value> {
    let offset = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { items.get(items.len().checked_sub(offset)?) } else { items.get(offset) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_selects_what_the_library_selects() {
        let body = json!({
            "order": {"id": "JW-1", "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}, {"sku": "c"}]},
            "sku": {"n": 7, "deep": [[{"sku": null}]]},
        });
        let paths = [
            "$",
            "$.order.id",
            "$.order.*",
            "$..sku",
            "$.order.items[0]",
            "$.order.items[-1].sku",
            "$.order.items[9]",
            "$.order.items[-9]",
            "$.order.items[0:2].sku",
            "$.order.items[?(@.n > 1)].sku",
            "$..[?(@.n)]",
            "$['order','sku']",
            "$.order.items[0,2]",
            "$..*",
            "$.nothing",
            "$.order.id.x",
        ];
        for path in paths {
            let library = jsonpath_rust::query::js_path_vals(path, &body).expect("a path");
            let mut expected: Vec<String> = library.iter().map(ToString::to_string).collect();
            let mut found: Vec<String> =
                JsonPath::parse(path).expect("a path").select(&body).iter().map(ToString::to_string).collect();
            // The order of descendants is free (RFC 9535, 2.5.2.2).
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for text in ["", "a", "$.", "$.a]", "$[", "$.a[?(]", "$$", "$.a..", "a.b"] {
            let error = JsonPath::parse(text).expect_err(text);
            let NotAJsonPath::Syntax { reason, .. } = &error else { panic!("{error}") };
            assert!(reason.starts_with("expected "), "{error}");
        }
    }

    #[test]
    fn a_filter_that_looks_at_the_whole_body_is_refused() {
        let error = JsonPath::parse("$.items[?(@.n == $.n)]").expect_err("refused");
        assert!(matches!(error, NotAJsonPath::RootInFilter { .. }), "{error}");
        JsonPath::parse("$.items[?(@.n == '$5')]").expect("a text with a dollar sign is not the root");
    }

    #[test]
    fn a_long_name_over_many_values_costs_no_more_than_its_body() {
        let body = json!({"n".repeat(1 << 20): vec![0; 1 << 20]});
        assert_eq!(JsonPath::parse("$..x").expect("a path").select(&body).len(), 0);
        assert_eq!(JsonPath::parse("$.*[*]").expect("a path").select(&body).len(), 1 << 20);
    }

    #[test]
    fn the_last_names_are_those_a_value_can_stand_under() {
        let cases: [(&str, &[&str]); 7] = [
            ("$.a.b", &["b"]),
            ("$..b", &["b"]),
            ("$.a[*]", &["a"]),
            ("$['a','b']", &["a", "b"]),
            ("$[*]", &[]),
            ("$.a[?(@.c)]", &["a"]),
            ("$..*", &[]),
        ];
        for (path, expected) in cases {
            assert_eq!(JsonPath::parse(path).expect("a path").last_names(), expected, "{path}");
        }
    }
}
