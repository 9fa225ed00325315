//! The values that paths select which need a whole container: filters, slices, indexes from the end. The text is
//! parsed, and walked beside the tree to find where the selected values stand.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

use super::cursor::Cursor;
use crate::config::JsonPath;

/// Why there are no places.
pub(super) enum NoPlaces {
    /// It cannot be parsed.
    Unreadable,
    /// An object has one name twice, so the tree does not tell all of the text. The tree.
    RepeatedName(Value),
}

/// The places of the outermost values that the paths select, in order. The text must be JSON.
pub(super) fn select<'a>(text: &str, paths: impl Iterator<Item = &'a JsonPath>) -> Result<Vec<Range<usize>>, NoPlaces> {
    let mut paths = paths.peekable();
    if paths.peek().is_none() {
        return Ok(Vec::new());
    }
    let tree: Value = serde_json::from_str(text).map_err(|_| NoPlaces::Unreadable)?;
    let selected = paths.flat_map(|path| path.select(&tree)).map(address).collect();
    let mut walk = Walk { cursor: Cursor { text, at: 0 }, selected, found: Vec::new() };
    walk.cursor.skip_space();
    match walk.value(&tree) {
        Ok(()) => Ok(walk.found),
        Err(RepeatedName) => Err(NoPlaces::RepeatedName(tree)),
    }
}

/// Tells one value of a tree from all others.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

struct RepeatedName;

struct Walk<'a> {
    cursor: Cursor<'a>,
    selected: HashSet<usize>,
    found: Vec<Range<usize>>,
}

impl Walk<'_> {
    fn value(&mut self, tree: &Value) -> Result<(), RepeatedName> {
        let start = self.cursor.at;
        if self.selected.contains(&address(tree)) {
            self.cursor.skip_value();
            self.found.push(start..self.cursor.at);
            return Ok(());
        }
        match (self.cursor.peek(), tree) {
            (Some(b'{'), Value::Object(members)) => self.object(members),
            (Some(b'['), Value::Array(items)) => self.array(items),
            // The tree has another value by this name.
            (Some(b'{' | b'['), _) => Err(RepeatedName),
            _ => {
                self.cursor.skip_value();
                Ok(())
            }
        }
    }

    fn object(&mut self, members: &serde_json::Map<String, Value>) -> Result<(), RepeatedName> {
        self.cursor.at += 1;
        let mut seen = 0;
        while self.cursor.next() {
            let name = self.cursor.name();
            self.value(members.get(&*name).ok_or(RepeatedName)?)?;
            seen += 1;
        }
        if seen == members.len() { Ok(()) } else { Err(RepeatedName) }
    }

    fn array(&mut self, items: &[Value]) -> Result<(), RepeatedName> {
        self.cursor.at += 1;
        let mut items = items.iter();
        while self.cursor.next() {
            self.value(items.next().ok_or(RepeatedName)?)?;
        }
        Ok(())
    }
}
