//! Header tables.

use crate::model::{Event, Str, Value};

use super::detect::is_mask;
use super::text::Pass;

impl Pass<'_> {
    /// Masks the configured headers whole, noting what they were, and what detectors find in the others.
    pub(super) fn headers(&self, event: &mut Event, whole: &mut Vec<String>) {
        self.table(&mut event.headers, whole, Value::DEPTH_MAX);
    }

    fn table(&self, entries: &mut [(Str, Value)], whole: &mut Vec<String>, depth: usize) {
        for (name, value) in entries {
            if self.is_configured(name) {
                self.whole(value, whole);
            } else {
                self.value(value, whole, depth);
            }
            self.one(name);
        }
    }

    fn is_configured(&self, name: &str) -> bool {
        let headers = &self.masker.headers;
        !headers.is_empty() && headers.contains(&name.to_lowercase())
    }

    fn whole(&self, value: &mut Value, whole: &mut Vec<String>) {
        let text = match &*value {
            Value::Null => return,
            Value::Text(text) if is_mask(text) => return,
            Value::Text(text) => text.to_string(),
            other => match other.to_json() {
                serde_json::Value::String(text) => text,
                json => json.to_string(),
            },
        };
        *value = Value::Text(self.masker.mask_whole(&text).into());
        whole.push(text);
    }

    /// Values are not nested deeper than [`Value::DEPTH_MAX`]; one that is would be left out rather than passed on
    /// unseen.
    fn value(&self, value: &mut Value, whole: &mut Vec<String>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            *value = Value::TooDeep;
            return;
        };
        match value {
            Value::Text(text) => self.one(text),
            Value::Bytes(bytes) => {
                if let Some(masked) = self.bytes(bytes) {
                    *bytes = masked;
                }
            }
            Value::Int(number) => {
                if let Some(masked) = self.text(&number.to_string()) {
                    *value = Value::Text(masked.into());
                }
            }
            Value::UInt(number) => {
                if let Some(masked) = self.text(&number.to_string()) {
                    *value = Value::Text(masked.into());
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item, whole, depth)),
            Value::Table(entries) => self.table(entries, whole, depth),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Decimal { .. }
            | Value::Timestamp(_)
            | Value::TooDeep => {}
        }
    }
}
