//! Payment card numbers: 13 to 19 digits that pass the Luhn check (ISO/IEC 7812).

use std::ops::Range;

use super::groups::{Groups, is_dash, is_space};

/// Other numbers pass the check one time in ten, so what no card looks like is left out.
pub(super) fn find(groups: &Groups<'_>, from: usize) -> Option<Range<usize>> {
    let start = groups.groups.get(from)?.start;
    // The fraction of a decimal number.
    let mut before = groups.before(start);
    if before.next() == Some('.') && before.next().is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    let mut digits = String::new();
    let mut best: Option<(usize, usize)> = None;
    for to in from..groups.groups.len() {
        digits.push_str(groups.digits(to));
        if digits.len() > 19 {
            break;
        }
        if digits.len() >= 13 && is_plausible(groups, from, to) && is_card(&digits) {
            // 16 digits are a card's usual length; of others the longest.
            if best.is_none_or(|(_, len)| len != 16) {
                best = Some((to, digits.len()));
            }
        }
        let mut glue = groups.glue_after(to).chars();
        let single = glue.next().is_some_and(|c| is_space(c) || is_dash(c)) && glue.next().is_none();
        if !single {
            break;
        }
    }
    let (to, _) = best?;
    Some(start..groups.groups.get(to)?.end)
}

fn is_card(digits: &str) -> bool {
    // No network's numbers begin with 0; zeros at the front are padding.
    !digits.starts_with('0') && luhn(digits)
}

fn luhn(digits: &str) -> bool {
    let values = digits.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = values
        .enumerate()
        .map(|(place, value)| match value * 2 {
            _ if place % 2 == 0 => value,
            double if double > 9 => double - 9,
            double => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Grouped as cards are, or one number and nothing else.
fn is_plausible(groups: &Groups<'_>, from: usize, to: usize) -> bool {
    let lens: Vec<usize> = groups.groups.iter().take(to + 1).skip(from).map(Range::len).collect();
    match lens.as_slice() {
        [_] => !is_time(groups.digits(from)) && !is_in_hex(groups, from),
        [4, 4, 4, 1..=7] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5] | [8, 8] | [6, 7..=13] => true,
        _ => {
            let glue = groups.glue_after(from);
            groups.is_all(from, to) && (from..to).all(|index| groups.glue_after(index) == glue)
        }
    }
}

/// Milliseconds, microseconds or nanoseconds since 1970, until the year 2033. No network has such numbers: those with
/// a 1 in front have 15 digits.
fn is_time(digits: &str) -> bool {
    matches!(digits.len(), 13 | 16 | 19) && digits.starts_with('1')
}

/// Digits inside a long hexadecimal number, as of a digest or a trace.
const HEX_CHARS_MIN: usize = 24;

fn is_in_hex(groups: &Groups<'_>, index: usize) -> bool {
    let Some(group) = groups.groups.get(index) else { return false };
    let hex = |c: &char| c.is_ascii_hexdigit();
    // Nothing beyond 64 characters is needed to tell.
    let before = groups.before(group.start).take(64).take_while(hex).count();
    let after = groups.after(group.end).take(64).take_while(hex).count();
    before + after > 0 && before + group.len() + after >= HEX_CHARS_MIN
}
