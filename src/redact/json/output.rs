//! The resulting text: the original, with some tokens replaced.

use std::ops::Range;

/// Copies a text from its beginning to its end.
pub(super) struct Output<'a> {
    text: &'a str,
    masked: String,
    /// Everything before this stands in `masked`. Never 0 once something was replaced: no token is empty.
    copied: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Output { text, masked: String::new(), copied: 0 }
    }

    /// Puts `string` as a JSON string in place of a token or value. Places come in order.
    pub(super) fn replace(&mut self, place: Range<usize>, string: &str) {
        self.masked.push_str(self.text.get(self.copied..place.start).unwrap_or_default());
        self.masked.push_str(&serde_json::Value::from(string).to_string());
        self.copied = place.end;
    }

    /// `None` where nothing was replaced.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.masked.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.masked)
    }
}
