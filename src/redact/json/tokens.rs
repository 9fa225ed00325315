//! The findings of detectors in the strings and numbers of a JSON text.
//!
//! It looks only at tokens at which the cheap sweep over the raw text stops. The sweep misses none. A quote, a colon, a
//! comma and a bracket all end a row of digits, so digits of two tokens never count together. And a string whose text
//! differs from its meaning has an escape, at which the sweep stops if it can hide anything.

use std::ops::Range;

use memchr::memchr;

use super::cursor::{string_end, unquote};
use super::output::Output;
use crate::redact::text::Pass;

/// Masks what is found in a part of the text. The part begins and ends between tokens.
pub(super) fn mask(pass: &Pass<'_>, text: &str, part: Range<usize>, output: &mut Output<'_>) {
    let mut at = part.start;
    while let Some(rest) = text.as_bytes().get(at..part.end)
        && let Some(suspect) = pass.masker.detectors.first_suspect(rest)
    {
        let token = token_around(text, at, at + suspect);
        let string = text.get(token.clone()).unwrap_or_default();
        let masked = if string.starts_with('"') { pass.text(&unquote(string)) } else { number(pass, string) };
        if let Some(masked) = masked {
            output.replace(token.clone(), &masked);
        }
        at = token.end;
    }
}

/// The string or number that has the byte at `suspect` in it. `at` is before it, between tokens.
fn token_around(text: &str, mut at: usize, suspect: usize) -> Range<usize> {
    while let Some(rest) = text.as_bytes().get(at..suspect)
        && let Some(quote) = memchr(b'"', rest)
    {
        let start = at + quote;
        at = string_end(text, start);
        if at > suspect {
            return start..at;
        }
    }
    let (before, after) = text.as_bytes().split_at_checked(suspect).unwrap_or_default();
    let start = before.iter().rposition(|byte| !is_of_number(*byte)).map_or(0, |other| other + 1);
    let len = after.iter().position(|byte| !is_of_number(*byte)).unwrap_or(after.len());
    // Never empty, so that the search goes on behind it.
    start..suspect + len.max(1)
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// An integer may be a card or telephone number; it becomes a string then.
fn number(pass: &Pass<'_>, token: &str) -> Option<String> {
    // Spreadsheets write whole numbers with a fraction of zeros.
    let integer = match token.split_once('.') {
        Some((integer, fraction)) if fraction.bytes().all(|b| b == b'0') => integer,
        Some(_) => return None,
        None => token,
    };
    let integer = integer.trim_start_matches('-');
    if integer.bytes().all(|b| b.is_ascii_digit()) { pass.text(integer) } else { None }
}
