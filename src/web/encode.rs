//! Percent-encoding.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Letters, digits and four marks stand for themselves everywhere in a URL (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text as one segment of a path, or as one name or value of a query.
pub fn encode(text: &str) -> impl Display {
    utf8_percent_encode(text, ENCODED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_segment_of_a_path() {
        for (text, expected) in [("/", "%2F"), ("orders-1.test_~", "orders-1.test_~"), ("a b/ü?", "a%20b%2F%C3%BC%3F")]
        {
            assert_eq!(encode(text).to_string(), expected);
        }
    }
}
