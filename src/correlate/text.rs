//! The texts of values, and the longest text that becomes a key.

use std::borrow::Cow;

use crate::model::{Str, Value};

/// Keys are index terms: longer ones would not fit the journal's index pages.
pub(super) const KEY_BYTES_MAX: usize = 1024;
/// What stays readable of a longer one.
const KEY_BYTES_KEPT: usize = 900;
/// Of its hash, so that long keys that differ at their end stay different.
const HASH_CHARS: usize = 32;

/// The text can be a key as it is.
pub(super) fn is_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len())
}

/// The text as a key; one that is too long as its beginning and a hash of the whole.
pub(super) fn bounded(text: &str) -> Str {
    if text.len() <= KEY_BYTES_MAX {
        return text.into();
    }
    let (kept, _) = text.split_at(text.floor_char_boundary(KEY_BYTES_KEPT));
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("{kept}…{}", hash.get(..HASH_CHARS).unwrap_or_default()).into()
}

/// Strings, numbers and booleans have a text.
pub(super) fn json_text(value: &serde_json::Value) -> Option<Cow<'_, str>> {
    match value {
        serde_json::Value::String(text) => Some(text.into()),
        serde_json::Value::Number(number) => Some(number.to_string().into()),
        serde_json::Value::Bool(flag) => Some(flag.to_string().into()),
        _ => None,
    }
}

/// The same of a header.
pub(super) fn header_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some((&**text).into()),
        Value::Bool(_)
        | Value::Int(_)
        | Value::UInt(_)
        | Value::Float(_)
        | Value::Decimal { .. }
        | Value::Timestamp(_) => json_text(&value.to_json()).map(|text| text.into_owned().into()),
        Value::Null | Value::Bytes(_) | Value::List(_) | Value::Table(_) | Value::TooDeep => None,
    }
}
