//! Rust as text: without comments and strings, and the names that paths lead to.

use std::collections::BTreeSet;

/// What follows `prefix` wherever it stands: `crate::a::b` gives `a`, `crate::{a, b::{c, d}}` gives `a` and `b`.
pub fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let begins = !code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':');
        if begins {
            names.extend(heads(&code[at + prefix.len()..]));
        }
    }
    names
}

/// The first words of a path, or of each path in a group.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut heads, mut depth, mut item) = (vec![word(group)], 0_usize, group);
    while let Some(at) = item.find(['{', '}', ',']) {
        let (sign, after) = (&item[at..=at], &item[at + 1..]);
        match sign {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            _ if depth == 0 => heads.push(word(after)),
            _ => {}
        }
        item = after;
    }
    heads
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks them, and character literals; lines stay lines.
pub fn without_comments_and_strings(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let after_word = code.chars().next_back().is_some_and(is_word);
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment_len(rest),
            '"' => string_len(rest),
            'r' if !after_word => raw_string_len(rest),
            '\'' => character_len(rest),
            _ => 0,
        };
        let (gone, kept) = rest.split_at(skipped.max(first.len_utf8()));
        if skipped == 0 {
            code.push(first);
        } else {
            code.push(' ');
            code.extend(gone.chars().filter(|c| *c == '\n'));
        }
        rest = kept;
    }
    code
}

/// Code without the items that are for tests only.
pub fn without_tests(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut program = parts.next().unwrap_or_default().to_owned();
    program.extend(parts.map(|rest| &rest[item_len(rest)..]));
    program
}

/// Up to the semicolon or the block that ends an item.
fn item_len(code: &str) -> usize {
    let head = code.split(['{', ';']).next().unwrap_or_default();
    let is_import = head.split_whitespace().any(|word| word == "use");
    let mut depth = 0_usize;
    for (at, sign) in code.char_indices() {
        match sign {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (sign == ';' || sign == '}' && !is_import) {
            return at + 1;
        }
    }
    code.len()
}

fn comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = match text.as_bytes().get(at..).unwrap_or_default() {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// 0: no raw string begins here.
fn raw_string_len(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let (begin, end) = (2 + hashes, format!("\"{}", "#".repeat(hashes)));
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
}

/// 0: a lifetime begins here.
fn character_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            text[from..].find('\'').map_or(0, |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

#[test]
fn comments_and_strings_are_no_code() {
    let text = r##"a // crate::x
        /* b /* c */ crate::y */ d "crate::z \" e" 'f' '"' g<'h>('\'') r#"i " j"# k"##;
    let words = without_comments_and_strings(text).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words, "a d g<'h>( ) k");
}

#[test]
fn items_for_tests_are_left_out() {
    let code =
        "a;\n#[cfg(test)]\npub use b::{c, d};\ne;\n#[cfg(test)]\nfn f(g: [u8; 2]) { h; }\ni;\n#[cfg(test)]\nmod j {}";
    assert_eq!(without_tests(code).split_whitespace().collect::<String>(), "a;e;i;");
}
