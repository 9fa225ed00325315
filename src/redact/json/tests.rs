//! The quick ways against slow ones that are easy to believe.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::output::Output;
use super::{mask, mask_tokens, string_end, unquote, value_text};
use crate::config::{JsonPath, Progress};
use crate::redact::Masker;
use crate::redact::tests::masker;
use crate::redact::text::Pass;

/// JSON as it is written: tokens as they stand, names as often as they come.
#[derive(Clone, Debug)]
enum Written {
    Token(String),
    Array(Vec<Written>),
    Object(Vec<(String, Written)>),
}

type Paths<'a> = [(&'a JsonPath, Progress)];

impl Written {
    /// The text with this space wherever there may be some, and with what the paths select masked.
    fn text(&self, space: &str, masker: &Masker, paths: &Paths<'_>) -> String {
        if paths.iter().any(|(path, progress)| path.selects(*progress))
            && let Some(value) = value_text(&self.text(space, masker, &[]))
        {
            return format!("\"{}\"", masker.mask_whole(&value));
        }
        let join = |parts: Vec<String>| parts.join(&format!("{space},{space}"));
        match self {
            Written::Token(token) => token.clone(),
            Written::Array(items) => {
                let item = |(index, item): (usize, &Written)| {
                    let paths: Vec<_> = paths.iter().map(|(path, from)| (*path, path.item(*from, index))).collect();
                    item.text(space, masker, &paths)
                };
                format!("[{space}{}{space}]", join(items.iter().enumerate().map(item).collect()))
            }
            Written::Object(members) => {
                let member = |(name, value): &(String, Written)| {
                    let meant = unquote(name);
                    let paths: Vec<_> = paths.iter().map(|(path, from)| (*path, path.member(*from, &meant))).collect();
                    format!("{name}{space}:{space}{}", value.text(space, masker, &paths))
                };
                format!("{{{space}{}{space}}}", join(members.iter().map(member).collect()))
            }
        }
    }

    /// Each name once in an object.
    fn without_repeats(&mut self) {
        match self {
            Written::Token(_) => {}
            Written::Array(items) => items.iter_mut().for_each(Written::without_repeats),
            Written::Object(members) => {
                let mut seen = std::collections::HashSet::new();
                members.retain(|(name, _)| seen.insert(unquote(name).into_owned()));
                members.iter_mut().for_each(|(_, value)| value.without_repeats());
            }
        }
    }
}

/// What detectors stop at, in strings and as numbers, and what looks like it.
fn token() -> impl Strategy<Value = String> {
    let part = "[a-c@. 0-9*()-]|\\\\u00(40|3[0-9])|\\\\(n|\"|\\\\|\\\\u|/)|[0-9]{3,5}|anna@ex\\.com|\\+7 999 123-45-67|ж|\u{a0}";
    let string = proptest::collection::vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let number =
        "-?(0|[1-9][0-9]{0,15}|4111111111111111|7999123456[0-9])(\\.(0{1,3}|[0-9]{1,12}))?([eE][+-]?[0-9]{1,2})?";
    prop_oneof![
        2 => string,
        2 => number,
        1 => "null|true|false|\"\\*\\*\\*[0-9a-f]{8}\"",
    ]
}

fn document() -> impl Strategy<Value = Written> {
    token().prop_map(Written::Token).prop_recursive(4, 40, 5, |inner| {
        let name = prop_oneof![4 => "\"([abc]|\\\\u0061)\"", 1 => "\"(anna@ex\\.com|[0-9]{7,10}|)\""];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Written::Array),
            proptest::collection::vec((name, inner), 0..5).prop_map(Written::Object),
        ]
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just(" "), Just("\n\t  ")]
}

/// Every string and every number, one after the other.
fn token_by_token(pass: &Pass<'_>, text: &str) -> Option<String> {
    let mut output = Output::new(text);
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let start = at;
        let masked = match byte {
            b'"' => {
                at = string_end(text, start);
                pass.text(&unquote(&text[start..at]))
            }
            b'-' | b'0'..=b'9' => {
                let end = text[start..].find([',', ']', '}', ' ', '\t', '\r', '\n']);
                at = end.map_or(text.len(), |end| start + end);
                let (integer, fraction) = text[start..at].split_once('.').unwrap_or((&text[start..at], ""));
                let integer = integer.trim_start_matches('-');
                let is_whole = integer.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b == b'0');
                if is_whole { pass.text(integer) } else { None }
            }
            _ => {
                at += 1;
                None
            }
        };
        if let Some(masked) = masked {
            output.replace(start..at, &masked);
        }
    }
    output.finish()
}

fn pass(masker: &Masker) -> Pass<'_> {
    Pass { masker, exempt: vec!["79991234567".into(), "1234".into()] }
}

/// Most of what may be in a path that can be followed.
const PATHS: [&str; 10] =
    ["$.a", "$.a.b", "$..c", "$.*.a", "$..a[1]", "$[0]", "$['a','b'].c", "$..['b',0].a", "$..*.b", "$..a..b"];

static DETECTORS: LazyLock<Masker> = LazyLock::new(|| masker(""));
/// For each path one that masks nothing else, and at the end all together.
static FOLLOWED: LazyLock<Vec<Masker>> = LazyLock::new(|| {
    let all = PATHS.map(|path| format!("\"{path}\"")).join(", ");
    let paths = PATHS.iter().map(|path| format!("\"{path}\"")).chain([all]);
    paths.map(|paths| masker(&format!("body = [{paths}]\ndetect = []"))).collect()
});

fn masked(masker: &Masker, text: &str) -> (Option<String>, Vec<String>) {
    let mut whole = Vec::new();
    let Ok(masked) = mask(&pass(masker), text, &mut whole) else { panic!("can be read") };
    (masked, whole)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_sweep_finds_what_a_look_at_every_token_finds(document in document(), space in space()) {
        let text = document.text(space, &DETECTORS, &[]);
        let pass = pass(&DETECTORS);
        let found = mask_tokens(&pass, &text);
        prop_assert_eq!(&found, &token_by_token(&pass, &text));
        let after = found.unwrap_or(text);
        prop_assert!(is_json(&after), "{}", after);
        prop_assert_eq!(token_by_token(&pass, &after), None, "{}", after);
    }

    #[test]
    fn every_selected_value_is_masked_and_all_else_stays(document in document(), space in space(), which in 0..=PATHS.len()) {
        let masker = &FOLLOWED[which];
        let paths: Vec<_> = masker.body.iter().filter_map(|path| Some((&path.path, path.path.start()?))).collect();
        prop_assert!(!paths.is_empty());
        let text = document.text(space, masker, &[]);
        let (found, _) = masked(masker, &text);
        let after = found.unwrap_or(text);
        prop_assert!(is_json(&after), "{}", after);
        prop_assert_eq!(after, document.text(space, masker, &paths));
    }

    #[test]
    fn following_paths_masks_what_the_tree_masks(mut document in document(), space in space(), which in 0..=PATHS.len()) {
        document.without_repeats();
        let mut by_tree = FOLLOWED[which].clone();
        by_tree.body.iter_mut().for_each(|path| path.needs_tree = true);
        let text = document.text(space, &by_tree, &[]);
        prop_assert_eq!(masked(&FOLLOWED[which], &text), masked(&by_tree, &text));
    }

    #[test]
    fn paths_and_detectors_together_leave_nothing(document in document(), space in space()) {
        let all = FOLLOWED.last().expect("all paths");
        let both = Masker { detectors: DETECTORS.detectors, ..all.clone() };
        let text = document.text(space, &both, &[]);
        let paths: Vec<_> = both.body.iter().filter_map(|path| Some((&path.path, path.path.start()?))).collect();
        let by_path = document.text(space, &both, &paths);
        let after = masked(&both, &text).0.unwrap_or(text);
        prop_assert_eq!(&after, &token_by_token(&pass(&both), &by_path).unwrap_or(by_path));
        prop_assert_eq!(token_by_token(&pass(&both), &after), None, "{}", after);
    }
}
