//! Masking JSON in place: every byte that is not masked stays as it was, and the result is JSON again.
//!
//! Only masked values are parsed into a tree, unless a path needs it. A walk over the text finds the values that paths
//! select, and a sweep over it finds those of the detectors.
//!
//! | file | owns |
//! |---|---|
//! | `cursor` | the borders of tokens and values |
//! | `follow` | the values that most paths select |
//! | `tree` | the values that the other paths select: filters, slices, indexes from the end |
//! | `tokens` | the findings of detectors |
//! | `output` | the resulting text |

mod cursor;
mod follow;
mod output;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::ops::Range;

use serde_json::Value;

use super::detect::is_mask;
use super::paths::MaskPath;
use super::text::Pass;
use cursor::{is_too_deep, unquote};
use output::Output;
use tree::NoPlaces;

pub(super) use cursor::{string_end, value_end};

/// The text is JSON, but no path can be followed in it: nested too deep, or refused by the parser for another reason.
pub(super) struct Unreadable;

/// The text is JSON, by its grammar.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The masked text, `None` where nothing is to be masked. The text must be JSON.
pub(super) fn mask(pass: &Pass<'_>, text: &str, whole: &mut Vec<String>) -> Result<Option<String>, Unreadable> {
    if is_too_deep(text) {
        return Err(Unreadable);
    }
    let places = match select(&pass.masker.body, text) {
        Ok(places) => places,
        Err(NoPlaces::Unreadable) => return Err(Unreadable),
        // A reader sees the last of several values of one name; the others must not stay behind unseen.
        Err(NoPlaces::RepeatedName(tree)) => {
            let text = tree.to_string();
            let masked = mask(pass, &text, whole)?;
            return Ok(Some(masked.unwrap_or(text)));
        }
    };
    let mut output = Output::new(text);
    let mut at = 0;
    for place in places {
        tokens::mask(pass, text, at..place.start, &mut output);
        at = place.end;
        if let Some(value) = value_text(text.get(place.clone()).unwrap_or_default()) {
            output.replace(place, &pass.masker.mask_whole(&value));
            whole.push(value);
        }
    }
    tokens::mask(pass, text, at..text.len(), &mut output);
    Ok(output.finish())
}

/// The same without paths. The text must be JSON, of any depth.
pub(super) fn mask_tokens(pass: &Pass<'_>, text: &str) -> Option<String> {
    let mut output = Output::new(text);
    tokens::mask(pass, text, 0..text.len(), &mut output);
    output.finish()
}

/// The places of all values that the paths select, in order, none within another.
fn select(paths: &[MaskPath], text: &str) -> Result<Vec<Range<usize>>, NoPlaces> {
    // A name may be written with escapes.
    let is_plain = memchr::memchr(b'\\', text.as_bytes()).is_none();
    let may_select = |path: &&MaskPath| !is_plain || path.names_are_in(text);
    let candidates = |needs_tree| {
        let paths = paths.iter().filter(move |path| path.needs_tree == needs_tree);
        paths.filter(may_select).map(|path| &path.path)
    };
    let mut places = follow::select(text, candidates(false));
    let from_tree = tree::select(text, candidates(true))?;
    if !from_tree.is_empty() {
        places.extend(from_tree);
        places.sort_by_key(|place| (place.start, Reverse(place.end)));
        let mut end = 0;
        places.retain(|place| {
            let outermost = place.start >= end;
            end = end.max(place.end);
            outermost
        });
    }
    Ok(places)
}

/// What a value is that is masked whole. `None`: it stays as it is.
fn value_text(token: &str) -> Option<String> {
    if token == "null" {
        return None;
    }
    if token.starts_with('"') {
        return Some(unquote(token).into_owned()).filter(|text| !is_mask(text));
    }
    // Names in order, without spaces, so that equal values have equal masks.
    Some(serde_json::from_str::<Value>(token).map_or_else(|_| token.to_owned(), |value| value.to_string()))
}
