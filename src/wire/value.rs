//! AMQP field values into [`Value`], to a bounded depth.

use amq_protocol::types::{AMQPValue, FieldTable};

use crate::model::{Str, Value};

/// A decoded table or value, and whether a part of it was left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded<T> {
    /// The decoded table or value.
    pub kept: T,
    /// It held tables or lists deeper than [`Value::DEPTH_MAX`], which are [`Value::TooDeep`] now.
    pub too_deep: bool,
}

/// A header table. Its entries keep the order of the parser: by name.
#[must_use]
pub fn table(fields: &FieldTable) -> Decoded<Vec<(Str, Value)>> {
    let mut too_deep = false;
    let kept = entries(fields, 0, &mut too_deep);
    Decoded { kept, too_deep }
}

/// One field value.
#[must_use]
pub fn value(field: &AMQPValue) -> Decoded<Value> {
    let mut too_deep = false;
    let kept = convert(field, 0, &mut too_deep);
    Decoded { kept, too_deep }
}

/// The text of a string field. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn text(field: &AMQPValue) -> Option<Str> {
    match field {
        AMQPValue::LongString(string) => Some(String::from_utf8_lossy(string.as_bytes()).into()),
        AMQPValue::ShortString(string) => Some(string.as_str().into()),
        _ => None,
    }
}

fn entries(fields: &FieldTable, depth: usize, too_deep: &mut bool) -> Vec<(Str, Value)> {
    fields.into_iter().map(|(name, field)| (name.as_str().into(), convert(field, depth, too_deep))).collect()
}

/// `depth` counts the tables and lists around the value; the recursion ends at [`Value::DEPTH_MAX`] of them.
fn convert(field: &AMQPValue, depth: usize, too_deep: &mut bool) -> Value {
    match field {
        AMQPValue::Void => Value::Null,
        AMQPValue::Boolean(value) => Value::Bool(*value),
        AMQPValue::ShortShortInt(value) => Value::Int(i64::from(*value)),
        AMQPValue::ShortInt(value) => Value::Int(i64::from(*value)),
        AMQPValue::LongInt(value) => Value::Int(i64::from(*value)),
        AMQPValue::LongLongInt(value) => Value::Int(*value),
        AMQPValue::ShortShortUInt(value) => Value::UInt(u64::from(*value)),
        AMQPValue::ShortUInt(value) => Value::UInt(u64::from(*value)),
        AMQPValue::LongUInt(value) => Value::UInt(u64::from(*value)),
        AMQPValue::Float(value) => Value::Float(f64::from(*value)),
        AMQPValue::Double(value) => Value::Float(*value),
        AMQPValue::DecimalValue(decimal) => Value::Decimal { scale: decimal.scale, value: decimal.value },
        AMQPValue::ShortString(string) => Value::Text(string.as_str().into()),
        AMQPValue::LongString(string) => match std::str::from_utf8(string.as_bytes()) {
            Ok(text) => Value::Text(text.into()),
            Err(_) => Value::Bytes(string.as_bytes().to_vec()),
        },
        AMQPValue::ByteArray(bytes) => Value::Bytes(bytes.as_slice().to_vec()),
        AMQPValue::Timestamp(seconds) => Value::Timestamp(*seconds),
        AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) if depth >= Value::DEPTH_MAX => {
            *too_deep = true;
            Value::TooDeep
        }
        AMQPValue::FieldArray(items) => {
            Value::List(items.as_slice().iter().map(|item| convert(item, depth + 1, too_deep)).collect())
        }
        AMQPValue::FieldTable(fields) => Value::Table(entries(fields, depth + 1, too_deep)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use amq_protocol::types::{ByteArray, DecimalValue, FieldArray};

    /// A value inside `levels` lists.
    pub(crate) fn nested(levels: usize) -> AMQPValue {
        let innermost = AMQPValue::Boolean(true);
        (0..levels).fold(innermost, |inner, _| AMQPValue::FieldArray(FieldArray::from(vec![inner])))
    }

    fn depth(value: &Value) -> usize {
        match value {
            Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    #[test]
    fn every_field_type_has_its_value() {
        let cases = [
            (AMQPValue::Void, Value::Null),
            (AMQPValue::Boolean(true), Value::Bool(true)),
            (AMQPValue::ShortShortInt(-8), Value::Int(-8)),
            (AMQPValue::ShortInt(-16), Value::Int(-16)),
            (AMQPValue::LongInt(-32), Value::Int(-32)),
            (AMQPValue::LongLongInt(i64::MIN), Value::Int(i64::MIN)),
            (AMQPValue::ShortShortUInt(255), Value::UInt(255)),
            (AMQPValue::ShortUInt(65_535), Value::UInt(65_535)),
            (AMQPValue::LongUInt(u32::MAX), Value::UInt(u64::from(u32::MAX))),
            (AMQPValue::Float(0.5), Value::Float(0.5)),
            (AMQPValue::Double(-0.25), Value::Float(-0.25)),
            (AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 1995 }), Value::Decimal { scale: 2, value: 1995 }),
            (AMQPValue::LongString("ring".into()), Value::Text("ring".into())),
            (AMQPValue::ShortString("ring".into()), Value::Text("ring".into())),
            (AMQPValue::LongString(vec![0xff, 0x00].into()), Value::Bytes(vec![0xff, 0x00])),
            (AMQPValue::ByteArray(ByteArray::from(vec![1, 2])), Value::Bytes(vec![1, 2])),
            (AMQPValue::Timestamp(1_795_226_400), Value::Timestamp(1_795_226_400)),
        ];
        for (field, expected) in cases {
            assert_eq!(value(&field), Decoded { kept: expected, too_deep: false }, "{field:?}");
        }
    }

    #[test]
    fn tables_and_lists_nest() {
        let mut inner = FieldTable::default();
        inner.insert("list".into(), nested(1));
        let mut outer = FieldTable::default();
        outer.insert("table".into(), AMQPValue::FieldTable(inner));
        let list = Value::List(vec![Value::Bool(true)]);
        let expected = vec![("table".into(), Value::Table(vec![("list".into(), list)]))];
        assert_eq!(table(&outer), Decoded { kept: expected, too_deep: false });
    }

    #[test]
    fn nesting_is_kept_to_the_limit_and_cut_behind_it() {
        for (levels, kept, too_deep) in [(0, 0, false), (32, 32, false), (33, 32, true), (500, 32, true)] {
            let decoded = value(&nested(levels));
            assert_eq!((depth(&decoded.kept), decoded.too_deep), (kept, too_deep), "{levels} levels");
        }
    }
}
