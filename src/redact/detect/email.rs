//! E-mail addresses, international ones included.

use crate::config::Detector;

use super::found::Found;
use super::mask::{MASK_LEN, starts_with_mask};

/// Longer local parts and domains do not exist (RFC 5321, 4.5.3.1); looking no further bounds the work.
const LOCAL_BYTES_MAX: usize = 256;
const DOMAIN_BYTES_MAX: usize = 512;

pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let taken = found.last().map_or(0, |last| last.range.end);
        let before = text.get(taken..at).unwrap_or_default();
        let after = text.get(at + 1..).unwrap_or_default();
        if let (Some(local), Some(domain)) = (local_len(before), domain_len(after)) {
            found.push(Found { kind: Detector::Email, range: at - local..at + 1 + domain });
        }
    }
    found
}

/// Signs that are allowed besides letters and digits, without those that join an address to what stands before it in
/// a URL, a list or a template.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'' | '!' | '#' | '$' | '^' | '~')
}

fn local_len(before: &str) -> Option<usize> {
    let mut len = 0;
    for c in before.chars().rev().take_while(|c| is_local(*c)) {
        if len + c.len_utf8() > LOCAL_BYTES_MAX {
            break;
        }
        len += c.len_utf8();
    }
    let start = before.len() - len;
    // A mask is no part of an address.
    let mask = start.checked_sub(3).and_then(|mask| before.as_bytes().get(mask..)).is_some_and(starts_with_mask);
    let local = before.get(if mask { start + MASK_LEN - 3 } else { start }..)?;
    // An opening quote, the end of a sentence.
    let trimmed = local.trim_start_matches(['.', '\'']);
    (!trimmed.is_empty()).then_some(trimmed.len())
}

/// At least two labels, the last of which begins with two letters.
fn domain_len(after: &str) -> Option<usize> {
    let mut len = 0;
    for c in after.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-')) {
        if len + c.len_utf8() > DOMAIN_BYTES_MAX {
            break;
        }
        len += c.len_utf8();
    }
    let mut domain = after.get(..len)?;
    loop {
        let (rest, last) = domain.rsplit_once('.')?;
        let whole = last.strip_prefix("xn--").is_some_and(|name| !name.is_empty());
        let letters = if whole { last.len() } else { last.find(|c: char| !c.is_alphabetic()).unwrap_or(last.len()) };
        if rest.chars().any(char::is_alphanumeric) && last.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2 {
            return Some(rest.len() + 1 + letters);
        }
        domain = rest;
    }
}
