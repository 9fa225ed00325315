//! A body, read as far as the rules ask, once.

use serde_json::Value;

use super::members::Members;
use crate::model::{BodyFormat, Event};

/// What has been read of one event's body.
#[derive(Default)]
pub(super) struct Body {
    members: Option<Vec<Option<String>>>,
    tree: Option<Option<Value>>,
    format: BodyFormat,
}

/// Larger bodies are not parsed: a message of this size would hold up all others for 50 ms and take several times its
/// size in memory. Order messages are a thousandth of this.
const JSON_BYTES_MAX: usize = 4 << 20;

impl Body {
    /// The text that stands in this slot of the members; all of them are read at once.
    pub(super) fn member(&mut self, members: &Members, slot: usize, event: &Event) -> Option<&str> {
        let found = self.members.get_or_insert_with(|| {
            let found = document(event).and_then(|text| members.find(text));
            if found.is_some() {
                self.format = BodyFormat::Json;
            }
            found.unwrap_or_default()
        });
        found.get(slot)?.as_deref()
    }

    /// The whole body as a tree. `serde_json` refuses one nested deeper than 128 levels.
    pub(super) fn tree(&mut self, event: &Event) -> Option<&Value> {
        let tree = self.tree.get_or_insert_with(|| {
            let tree = document(event).and_then(|text| serde_json::from_str(text).ok());
            if tree.is_some() {
                self.format = BodyFormat::Json;
            }
            tree
        });
        tree.as_ref()
    }

    pub(super) fn format(&self) -> BodyFormat {
        self.format
    }
}

/// The event's body where it may be JSON: an object or an array.
fn document(event: &Event) -> Option<&str> {
    let data = &event.body.as_ref()?.data;
    if data.len() > JSON_BYTES_MAX {
        return None;
    }
    // Publishers on Windows put a byte order mark in front.
    let data = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data).trim_ascii_start();
    // The content type is often missing or wrong; the first byte is not.
    if matches!(data.first(), Some(b'{' | b'[')) { std::str::from_utf8(data).ok() } else { None }
}
