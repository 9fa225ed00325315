//! Telephone numbers: international ones with `+`, national ones by the way their digits are grouped.

use std::ops::Range;

use super::groups::{Groups, is_dash};

pub(super) fn find(groups: &Groups<'_>, from: usize) -> Option<Range<usize>> {
    let first = groups.groups.get(from)?;
    let mut before = groups.before(first.start);
    let (previous, earlier) = (before.next(), before.next());
    // After a letter or digit the sign is an addition.
    if previous == Some('+') && !earlier.is_some_and(|c| c.is_alphanumeric() || c == '+') {
        return international(groups, from).and_then(|to| span(groups, from, to, first.start - 1));
    }
    if is_joined(previous, earlier) {
        return None;
    }
    let to = national(groups, from)?;
    span(groups, from, to, first.start)
}

/// Part of a longer name, as in `JW-2026-001001`.
fn is_joined(previous: Option<char>, earlier: Option<char>) -> bool {
    match previous {
        Some(c) if c.is_alphanumeric() || c == '_' => true,
        Some(c) if is_dash(c) || matches!(c, '.' | '/' | '#' | ':') => {
            // "tel:8-800-…" is a number, "A:1-…" might be anything: only letters and digits before a dash join.
            c != ':' && c != '#' && earlier.is_some_and(char::is_alphanumeric)
        }
        _ => false,
    }
}

/// From the first group to the last, with the parenthesis that opens before it.
fn span(groups: &Groups<'_>, from: usize, to: usize, start: usize) -> Option<Range<usize>> {
    let end = groups.groups.get(to)?.end;
    let inner: String = (from..to).map(|index| groups.glue_after(index)).collect();
    let opened = inner.find(')').is_some_and(|close| inner.find('(').is_none_or(|open| close < open));
    let with_parenthesis = opened && groups.before(start).next() == Some('(');
    Some(start - usize::from(with_parenthesis)..end)
}

/// 9 to 15 digits (ITU-T E.164).
fn international(groups: &Groups<'_>, from: usize) -> Option<usize> {
    let country = groups.digits(from);
    if country.starts_with('0') {
        return None;
    }
    let (mut digits, mut best) = (0, None);
    for to in from..groups.groups.len() {
        digits += groups.digits(to).len();
        if digits > 15 {
            break;
        }
        if digits >= 9 {
            best = Some(to);
            // North America, Russia and Kazakhstan have numbers of one length.
            if digits == 11 && country.starts_with(['1', '7']) {
                break;
            }
        }
    }
    let to = best?;
    // +55.7558263829 is a coordinate.
    let decimal = to == from + 1 && groups.glue_after(from) == ".";
    if decimal { None } else { Some(to) }
}

/// Groups whose number is looked for: 10 digits, or 11 or 12 with the country's.
fn national(groups: &Groups<'_>, from: usize) -> Option<usize> {
    let (mut lens, mut digits) = (Vec::new(), 0);
    for to in from..groups.groups.len() {
        lens.push(groups.digits(to).len());
        digits += groups.digits(to).len();
        if digits > 12 {
            return None;
        }
        if digits >= 10 && is_national(groups, from, &lens) && is_end(groups, to) && is_clear(groups, from, to) {
            return Some(to);
        }
        // Dots are in addresses of machines, versions and dates.
        if groups.glue_after(to).contains('.') {
            return None;
        }
    }
    None
}

fn is_national(groups: &Groups<'_>, from: usize, lens: &[usize]) -> bool {
    let first = groups.digits(from);
    let second = groups.digits(from + 1);
    // Area codes in Russia and Kazakhstan begin with 3, 4, 6, 7, 8 or 9; mobile and free ones with 7, 8 or 9.
    let long_distance = |code: &str| code.starts_with(['3', '4', '7', '8', '9']);
    match lens {
        [11] => first.starts_with(['7', '8']) && long_distance(first.get(1..).unwrap_or_default()),
        [1, 10] => matches!(first, "7" | "8") && long_distance(second),
        [1, 3..=5, rest @ ..] if lens.iter().sum::<usize>() == 11 => {
            matches!(first, "1" | "7" | "8") && rest.iter().all(|len| *len >= 2)
        }
        [3, 3, 4] | [3, 3, 2, 2] | [3, 2, 2, 3] | [3, 2, 3, 2] | [3, 4, 3] => true,
        [3, _, _, ..] if lens.iter().sum::<usize>() == 12 => {
            matches!(first, "374" | "375" | "380" | "992" | "993" | "994" | "995" | "996" | "998")
        }
        // An area code in parentheses.
        [3..=5, ..] if lens.iter().sum::<usize>() == 10 => {
            let start = groups.groups.get(from).map_or(0, |group| group.start);
            groups.before(start).next() == Some('(') && groups.glue_after(from).starts_with(')')
        }
        _ => false,
    }
}

/// No letter, digit or further group is joined to the end.
fn is_end(groups: &Groups<'_>, to: usize) -> bool {
    let mut after = groups.after(groups.groups.get(to).map_or(0, |group| group.end));
    match after.next() {
        Some(c) if c.is_alphanumeric() || c == '_' => false,
        Some(c) if is_dash(c) || c == '.' => !after.next().is_some_and(|c| c.is_alphanumeric() || c == '*'),
        _ => true,
    }
}

/// In a row of numbers with nothing but spaces between them, any could be part of the next; dashes and parentheses
/// tell a telephone number, and so does one group.
fn is_clear(groups: &Groups<'_>, from: usize, to: usize) -> bool {
    let told = |index| groups.glue_after(index).contains(|c: char| is_dash(c) || c == '(' || c == ')');
    from == to || groups.is_all(from, to) || (from..to).any(told)
}
