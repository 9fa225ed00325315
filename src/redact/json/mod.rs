//! Masking JSON in place: every byte that is not masked stays as it was, and what comes out is JSON again.
//!
//! The text is walked beside its parsed form. The parsed form says which values a path selects and what a name means;
//! the text keeps order, spaces and digits of numbers as the publisher wrote them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::detect::is_mask;
use super::text::Pass;
use crate::config::JsonPath;

/// An object in the text has one name twice, so the parsed form does not tell all of it.
pub(super) struct RepeatedName;

/// The masked text, `None` where nothing is to be masked. `text` must be what `json` was parsed from.
pub(super) fn mask(
    pass: &Pass<'_>,
    text: &str,
    json: &Value,
    whole: &mut Vec<String>,
) -> Result<Option<String>, RepeatedName> {
    let selected: HashSet<usize> = paths(pass, text).flat_map(|path| path.select(json)).map(address).collect();
    let mut walk = Walk { pass, text, at: 0, selected, whole, masked: String::new(), copied: 0 };
    walk.value(json)?;
    Ok(walk.finish())
}

/// The same without paths: only strings and numbers are looked at, so `text` need not be parsed, only be JSON.
pub(super) fn mask_tokens(pass: &Pass<'_>, text: &str) -> Option<String> {
    let mut whole = Vec::new();
    let selected = HashSet::new();
    let mut walk = Walk { pass, text, at: 0, selected, whole: &mut whole, masked: String::new(), copied: 0 };
    while let Some(byte) = walk.peek() {
        match byte {
            b'"' => drop(walk.string()),
            b'-' | b'0'..=b'9' => walk.number_or_word(),
            _ => walk.at += 1,
        }
    }
    walk.finish()
}

/// The paths that may select something: to look for names in a text is cheaper than to walk its tree.
fn paths<'a>(pass: &'a Pass<'_>, text: &str) -> impl Iterator<Item = &'a JsonPath> {
    // A name may be written with escapes.
    let is_plain = !text.contains('\\');
    pass.masker.body.iter().filter(move |path| !is_plain || path.names().all(|name| text.contains(name)))
}

/// The text is JSON, by its grammar.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Tells one value of a tree from all others.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

struct Walk<'a> {
    pass: &'a Pass<'a>,
    text: &'a str,
    at: usize,
    selected: HashSet<usize>,
    whole: &'a mut Vec<String>,
    masked: String,
    /// Everything before this stands in `masked`. Never 0 once something was masked: a mask ends after a token.
    copied: usize,
}

impl<'a> Walk<'a> {
    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.masked.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.masked)
    }

    /// No deeper than the 128 levels that `serde_json` parses.
    fn value(&mut self, json: &Value) -> Result<(), RepeatedName> {
        self.skip_space();
        if self.selected.contains(&address(json)) {
            self.mask_whole(json);
            return Ok(());
        }
        match (self.peek(), json) {
            (Some(b'{'), Value::Object(members)) => self.object(members),
            (Some(b'['), Value::Array(items)) => self.array(items),
            (Some(b'"'), _) => {
                self.string();
                Ok(())
            }
            _ => {
                self.number_or_word();
                Ok(())
            }
        }
    }

    fn object(&mut self, members: &serde_json::Map<String, Value>) -> Result<(), RepeatedName> {
        self.at += 1;
        let mut seen = 0;
        loop {
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let name = self.string();
                    self.skip_space();
                    self.at += 1; // the colon
                    self.value(members.get(&*name).ok_or(RepeatedName)?)?;
                    seen += 1;
                }
                _ => break,
            }
        }
        self.at += 1;
        if seen == members.len() { Ok(()) } else { Err(RepeatedName) }
    }

    fn array(&mut self, items: &[Value]) -> Result<(), RepeatedName> {
        self.at += 1;
        for item in items {
            self.value(item)?;
            self.skip_space();
            self.at += 1; // a comma, or the end
        }
        if items.is_empty() {
            self.skip_space();
            self.at += 1;
        }
        Ok(())
    }

    /// Masks what detectors find in the string that begins here; returns the string.
    fn string(&mut self) -> Cow<'a, str> {
        let start = self.at;
        self.at = string_end(self.text, start);
        let string = unquote(self.text.get(start..self.at).unwrap_or_default());
        if let Some(masked) = self.pass.text(&string) {
            self.replace(start, &masked);
        }
        string
    }

    /// An integer may be a card or telephone number; it becomes a string then.
    fn number_or_word(&mut self) {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        self.at += rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        let token = self.text.get(start..self.at).unwrap_or_default();
        // Spreadsheets write whole numbers with a fraction of zeros.
        let integer = match token.split_once('.') {
            Some((integer, fraction)) if fraction.bytes().all(|b| b == b'0') => integer,
            Some(_) => return,
            None => token,
        };
        let integer = integer.trim_start_matches('-');
        if integer.bytes().all(|b| b.is_ascii_digit())
            && let Some(masked) = self.pass.text(integer)
        {
            self.replace(start, &masked);
        }
    }

    fn mask_whole(&mut self, json: &Value) {
        let start = self.at;
        self.at = value_end(self.text, start);
        let text = match json {
            Value::Null => return,
            Value::String(text) if is_mask(text) => return,
            Value::String(text) => text.clone(),
            // Names in order, without spaces, so that equal values have equal masks.
            other => other.to_string(),
        };
        self.replace(start, &self.pass.masker.mask_whole(&text));
        self.whole.push(text);
    }

    /// Writes `string` as a JSON string in place of what stands from `start` to here.
    fn replace(&mut self, start: usize, string: &str) {
        self.masked.push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.masked.push_str(&Value::from(string).to_string());
        self.copied = self.at;
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

/// The text of a JSON string with its quotes.
fn unquote(token: &str) -> Cow<'_, str> {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if inner.contains('\\') { serde_json::from_str(token).unwrap_or_else(|_| inner.into()) } else { inner.into() }
}

/// Where the string that begins at `start` ends, after its closing quote.
pub(super) fn string_end(text: &str, start: usize) -> usize {
    let mut bytes = text.bytes().enumerate().skip(start + 1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where the value that begins at `start` ends; the end of the text where it has none.
pub(super) fn value_end(text: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}
