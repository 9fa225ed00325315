//! A value in a header table, as AMQP 0-9-1 with RabbitMQ's field types has them.

use serde::{Deserialize, Serialize};

use super::Str;

/// A field value. The depth of nesting is bounded by whoever builds one: see [`Value::DEPTH_MAX`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// `V`: no value.
    Null,
    /// `t`.
    Bool(bool),
    /// `b`, `s`, `I`, `l`: signed integers of 8 to 64 bits.
    Int(i64),
    /// `B`, `u`, `i`: unsigned integers of 8 to 32 bits.
    UInt(u64),
    /// `f` and `d`.
    Float(f64),
    /// `D`: `value` divided by ten to the power of `scale`.
    Decimal {
        /// Decimal places.
        scale: u8,
        /// The digits.
        value: u32,
    },
    /// `S` that is UTF-8.
    Text(Str),
    /// `x`, and `S` that is not UTF-8.
    Bytes(Vec<u8>),
    /// `T`: seconds since the Unix epoch.
    Timestamp(u64),
    /// `A`.
    List(Vec<Value>),
    /// `F`.
    Table(Vec<(Str, Value)>),
    /// Left out: it stood deeper than [`Value::DEPTH_MAX`] tables and arrays.
    TooDeep,
}

impl Value {
    /// The deepest nesting that is kept. Real headers (`x-death` is a list of tables of lists) need four; 32 leaves
    /// room, and bounds every recursion over a value.
    pub const DEPTH_MAX: usize = 32;

    /// The text of a text value.
    #[must_use]
    pub fn as_text(&self) -> Option<&Str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A non-negative integer, whichever width it was sent in.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Int(number) => u64::try_from(*number).ok(),
            Value::UInt(number) | Value::Timestamp(number) => Some(*number),
            _ => None,
        }
    }

    /// The entry of a table.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Table(entries) => entries.iter().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Bytes that it takes in memory, roughly: its own place, its texts, and what is in it.
    #[must_use]
    pub fn weight(&self) -> usize {
        let inside = match self {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.iter().map(Value::weight).sum(),
            Value::Table(entries) => weight(entries),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::Decimal { .. }
            | Value::Timestamp(_)
            | Value::TooDeep => 0,
        };
        size_of::<Value>() + inside
    }

    /// As JSON: bytes as `{"base64": …}`, a decimal as its text, what was left out as `{"too_deep": true}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => json!(value),
            Value::Int(value) => json!(value),
            Value::UInt(value) | Value::Timestamp(value) => json!(value),
            Value::Float(value) => json!(value),
            Value::Decimal { scale, value } => json!(decimal(*scale, *value)),
            Value::Text(text) => json!(text),
            Value::Bytes(bytes) => json!({ "base64": base64(bytes) }),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Table(entries) => table_to_json(entries),
            Value::TooDeep => json!({ "too_deep": true }),
        }
    }
}

/// Bytes that the entries of a table take in memory, roughly.
#[must_use]
pub fn weight(entries: &[(Str, Value)]) -> usize {
    entries.iter().map(|(name, value)| size_of::<Str>() + name.len() + value.weight()).sum()
}

/// A header table as a JSON object; of entries with one name the last stays.
#[must_use]
pub(super) fn table_to_json(entries: &[(Str, Value)]) -> serde_json::Value {
    entries.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect::<serde_json::Map<_, _>>().into()
}

fn decimal(scale: u8, value: u32) -> String {
    let scale = usize::from(scale);
    let digits = format!("{value:0>width$}", width = scale + 1);
    match digits.split_at_checked(digits.len() - scale) {
        Some((whole, fraction)) if scale > 0 => format!("{whole}.{fraction}"),
        _ => digits,
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_places() {
        for (scale, value, expected) in [(0, 7, "7"), (2, 12345, "123.45"), (3, 5, "0.005"), (255, 1, "0.")] {
            assert!(decimal(scale, value).starts_with(expected), "{scale} {value}");
        }
    }

    #[test]
    fn a_table_becomes_an_object() {
        let table = Value::Table(vec![
            ("n".into(), Value::Null),
            ("list".into(), Value::List(vec![Value::Int(-1), Value::Bool(true)])),
            ("bytes".into(), Value::Bytes(vec![0xff])),
            ("deep".into(), Value::TooDeep),
        ]);
        let json = serde_json::json!({
            "n": null, "list": [-1, true], "bytes": {"base64": "/w=="}, "deep": {"too_deep": true}
        });
        assert_eq!(table.to_json(), json);
    }
}
