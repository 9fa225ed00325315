//! Telephone and card numbers among the groups of digits in a text.

use std::ops::Range;

use super::found::Found;
use super::groups::{DIGITS_MIN, Groups, UUID_LEN, collect, starts_with_uuid};
use super::mask::{MASK_LEN, starts_with_mask};
use super::{card, phone};
use crate::config::Detector;

/// Telephone and card numbers outside of what has been `taken`.
pub(super) fn find(text: &str, taken: &[Found], phone: bool, card: bool) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut taken = taken.iter().peekable();
    let (mut at, mut border) = (0, None);
    while let Some(byte) = bytes.get(at) {
        if let Some(one) = taken.next_if(|one| one.range.start <= at) {
            at = one.range.end;
            border = Some(at);
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if *byte == b'*' && starts_with_mask(rest) {
            at += MASK_LEN;
            border = Some(at);
            continue;
        }
        let inside = at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(u8::is_ascii_alphanumeric);
        if !inside && starts_with_uuid(rest) {
            at += UUID_LEN;
            continue;
        }
        if !byte.is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = taken.peek().map_or(text.len(), |one| one.range.start);
        let groups = collect(text, at, end, border);
        let Some(last) = groups.groups.last().map(|group| group.end) else { break };
        match first(&groups, phone, card) {
            Some(one) => {
                at = one.range.end;
                border = Some(at);
                found.push(one);
            }
            None => at = last,
        }
    }
    found
}

/// The first number among the groups.
fn first(groups: &Groups<'_>, phone: bool, card: bool) -> Option<Found> {
    let digits: usize = groups.groups.iter().map(Range::len).sum();
    if digits < usize::from(DIGITS_MIN) {
        return None;
    }
    (0..groups.groups.len()).find_map(|from| {
        let found = if card { card::find(groups, from) } else { None };
        let found = found.map(|range| Found { kind: Detector::Card, range });
        let as_phone = || phone::find(groups, from).map(|range| Found { kind: Detector::Phone, range });
        found.or_else(|| if phone { as_phone() } else { None })
    })
}
