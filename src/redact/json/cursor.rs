//! Where tokens and values of a JSON text begin and end. Nothing here needs the text to be valid; of one that is not,
//! every place is still found, if not a sensible one.

use std::borrow::Cow;

use memchr::memchr2;

/// A place in a text.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// From the name that begins here to its value; returns the name.
    pub(super) fn name(&mut self) -> Cow<'a, str> {
        let start = self.at;
        self.at = string_end(self.text, start);
        let name = unquote(self.text.get(start..self.at).unwrap_or_default());
        self.skip_space();
        self.at += 1; // the colon
        self.skip_space();
        name
    }

    /// To the next member or item of the container that has been entered; `false` and past its end where there is none.
    pub(super) fn next(&mut self) -> bool {
        loop {
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']' | b'}') => {
                    self.at += 1;
                    return false;
                }
                byte => return byte.is_some(),
            }
        }
    }

    pub(super) fn skip_value(&mut self) {
        self.at = value_end(self.text, self.at);
    }
}

/// The text of a JSON string with its quotes.
pub(super) fn unquote(token: &str) -> Cow<'_, str> {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if inner.contains('\\') { serde_json::from_str(token).unwrap_or_else(|_| inner.into()) } else { inner.into() }
}

/// Where the string that begins at `start` ends, after its closing quote.
pub(in crate::redact) fn string_end(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(rest) = text.as_bytes().get(at..)
        && let Some(found) = memchr2(b'"', b'\\', rest)
    {
        at += found + 1;
        match rest.get(found) {
            Some(b'\\') => at += 1,
            _ => return at,
        }
    }
    text.len()
}

/// Where the value that begins at `start` ends; the end of the text where it has none.
pub(in crate::redact) fn value_end(text: &str, start: usize) -> usize {
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

/// The levels of arrays and objects that `serde_json` parses into a tree.
const DEPTH_MAX: usize = 127;

/// Nested deeper than can be walked without fear for the stack.
pub(super) fn is_too_deep(text: &str) -> bool {
    // Without that many brackets there is no need to look whether they are nested.
    memchr::memchr2_iter(b'[', b'{', text.as_bytes()).nth(DEPTH_MAX).is_some() && depth(text) > DEPTH_MAX
}

fn depth(text: &str) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_the_first_quote_that_is_not_escaped() {
        for (text, end) in
            [("\"\"x", 2), ("\"a\\\"b\"x", 6), ("\"a\\\\\"b", 5), ("\"a", 2), ("\"a\\", 3), ("\"\\ж\"", 5)]
        {
            assert_eq!(string_end(text, 0), end, "{text}");
        }
    }

    #[test]
    fn the_limit_of_depth_is_that_of_the_parser() {
        // What stands in strings is no level.
        for levels in [1, 126, 127, 128, 129] {
            let text = format!("[\"[[{{\\\"\", {}0{}]", "[".repeat(levels - 1), "]".repeat(levels - 1));
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            assert_eq!(is_too_deep(&text), parsed.is_err(), "{levels}");
        }
        assert!(!is_too_deep(&"[],".repeat(1000)));
    }
}
