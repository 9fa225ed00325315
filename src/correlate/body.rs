//! A body that is parsed when the first rule asks for it.

use serde_json::Value;

use crate::model::Event;

/// A body as JSON, as far as anyone asked.
pub(super) enum Body {
    /// No rule has asked.
    NotRead,
    /// There is none, or it is no JSON object or array.
    NotJson,
    /// Parsed.
    Json(Value),
}

/// Larger bodies are not parsed: a message of this size would hold up all others for 50 ms and take several times its
/// size in memory. Order messages are a thousandth of this.
const JSON_BYTES_MAX: usize = 4 << 20;

impl Body {
    /// The event's body. `serde_json` refuses one nested deeper than 128 levels.
    pub(super) fn json(&mut self, event: &Event) -> Option<&Value> {
        if matches!(self, Body::NotRead) {
            *self = event.body.as_ref().and_then(|body| parse(&body.data)).map_or(Body::NotJson, Body::Json);
        }
        match self {
            Body::Json(value) => Some(value),
            Body::NotRead | Body::NotJson => None,
        }
    }

    pub(super) fn into_json(self) -> Option<Value> {
        match self {
            Body::Json(value) => Some(value),
            Body::NotRead | Body::NotJson => None,
        }
    }
}

fn parse(data: &[u8]) -> Option<Value> {
    if data.len() > JSON_BYTES_MAX {
        return None;
    }
    // Publishers on Windows put a byte order mark in front.
    let text = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data).trim_ascii_start();
    // The content type is often missing or wrong; the first byte is not.
    if matches!(text.first(), Some(b'{' | b'[')) { serde_json::from_slice(text).ok() } else { None }
}
