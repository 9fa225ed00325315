//! Bodies that begin like JSON and cannot be read as JSON: cut off, broken, several documents in one, too large, too
//! deep. A path cannot be followed there, so whatever follows the name that a path ends with is masked.

use super::Masker;
use super::json::{string_end, value_end};
use super::paths::MaskPath;

/// The masked body; empty where a path spells no name to look for. `None` where nothing is masked.
pub(super) fn mask(masker: &Masker, data: &[u8], paths: &[MaskPath], whole: &mut Vec<String>) -> Option<Vec<u8>> {
    let mut names = Vec::new();
    for path in paths {
        let of_path = path.path.last_names();
        if of_path.is_empty() {
            return Some(Vec::new());
        }
        names.extend(of_path);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        // Each byte as a character, as for running text.
        let text: String = data.iter().copied().map(char::from).collect();
        let masked = mask_text(masker, &text, &names, whole)?;
        return Some(masked.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect());
    };
    mask_text(masker, text, &names, whole).map(String::into_bytes)
}

fn mask_text(masker: &Masker, text: &str, names: &[&str], whole: &mut Vec<String>) -> Option<String> {
    let (mut masked, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(quote) = text.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + quote;
        at = string_end(text, start);
        let Some(value) = value_after_colon(text, at) else { continue };
        let token = text.get(start..at).unwrap_or_default();
        let name = serde_json::from_str::<String>(token).unwrap_or_else(|_| token.trim_matches('"').to_owned());
        if !names.contains(&name.as_str()) {
            continue;
        }
        at = value_end(text, value);
        let token = text.get(value..at).unwrap_or_default();
        if token == "null" || token.is_empty() {
            continue;
        }
        let value_text = serde_json::from_str::<String>(token).unwrap_or_else(|_| token.to_owned());
        masked.push_str(text.get(copied..value).unwrap_or_default());
        masked.push_str(&format!("\"{}\"", masker.mask_whole(&value_text)));
        copied = at;
        whole.push(value_text);
    }
    if copied == 0 {
        return None;
    }
    masked.push_str(text.get(copied..).unwrap_or_default());
    Some(masked)
}

/// Where the value begins, if a colon comes next.
fn value_after_colon(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let value = rest.trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
    Some(text.len() - value.len())
}
