//! Numbers as people write them: groups of digits with signs between.

use std::ops::Range;

use super::mask::starts_with_mask;

/// The shortest telephone number that is looked for has this many digits.
pub(super) const DIGITS_MIN: u8 = 9;

/// Groups of digits that may belong to one number.
pub(super) struct Groups<'a> {
    pub(super) text: &'a str,
    pub(super) groups: Vec<Range<usize>>,
    /// Nothing that could belong to the first group stands before it, and nothing after the last: no mask and no
    /// part that has been taken.
    pub(super) free: bool,
}

/// Signs between two groups: `) - ` is the longest that is usual.
const GLUE_CHARS_MAX: usize = 3;

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}')
}

pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_glue(c: char) -> bool {
    is_space(c) || is_dash(c) || matches!(c, '.' | '(' | ')')
}

impl Groups<'_> {
    /// What stands between a group and the next.
    pub(super) fn glue_after(&self, index: usize) -> &str {
        let end = self.groups.get(index).map_or(0, |group| group.end);
        let next = self.groups.get(index + 1).map_or(end, |group| group.start);
        self.text.get(end..next).unwrap_or_default()
    }

    pub(super) fn digits(&self, index: usize) -> &str {
        self.groups.get(index).and_then(|group| self.text.get(group.clone())).unwrap_or_default()
    }

    /// The characters before a place, nearest first.
    pub(super) fn before(&self, at: usize) -> impl Iterator<Item = char> {
        self.text.get(..at).unwrap_or_default().chars().rev()
    }

    /// The characters from a place on.
    pub(super) fn after(&self, at: usize) -> impl Iterator<Item = char> {
        self.text.get(at..).unwrap_or_default().chars()
    }

    /// From and to are all there is.
    pub(super) fn is_all(&self, from: usize, to: usize) -> bool {
        self.free && from == 0 && to + 1 == self.groups.len()
    }
}

/// The groups from `start` on, up to `end`.
pub(super) fn collect(text: &str, start: usize, end: usize, border: Option<usize>) -> Groups<'_> {
    let mut groups = Vec::new();
    let (mut at, mut blocked) = (start, false);
    while let Some(rest) = text.get(at..end) {
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        groups.push(at..at + len);
        let rest = rest.get(len..).unwrap_or_default();
        let glue: usize = rest.chars().take(GLUE_CHARS_MAX).take_while(|c| is_glue(*c)).map(char::len_utf8).sum();
        let next = rest.get(glue..).unwrap_or_default();
        if glue == 0 || !next.starts_with(|c: char| c.is_ascii_digit()) || starts_with_uuid(next.as_bytes()) {
            blocked = starts_with_mask(next.as_bytes()) || (next.is_empty() && end < text.len());
            break;
        }
        at += len + glue;
    }
    let after_border = border
        .and_then(|border| text.get(border..start))
        .is_some_and(|between| between.chars().count() <= GLUE_CHARS_MAX && between.chars().all(is_glue));
    Groups { text, groups, free: !blocked && !after_border }
}

pub(super) const UUID_LEN: usize = 36;

/// A UUID with its dashes, and no more letters or digits after it.
pub(super) fn starts_with_uuid(bytes: &[u8]) -> bool {
    if bytes.get(8) != Some(&b'-') {
        return false;
    }
    let Some(uuid) = bytes.first_chunk::<UUID_LEN>() else { return false };
    let well_formed = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    well_formed && !bytes.get(UUID_LEN).is_some_and(u8::is_ascii_alphanumeric)
}
