//! Field tables and values straight from a frame's bytes (AMQP 0-9-1, section 4.2.5.5, with RabbitMQ's field types).
//!
//! Bytes reach this before their client has logged in, so depth and number of values are bounded. A table or an array
//! deeper than [`Value::DEPTH_MAX`] is stepped over by its length, without looking inside.

use super::bytes::{Bytes, Malformed};
use super::value::Decoded;
use crate::model::{Str, Value};

/// The most values of one table that are kept, nested ones included. Real headers have tens of values. A frame of 128
/// KiB could hold forty thousand values that take a hundred bytes each.
const VALUES_MAX: usize = 4096;

/// The inside of a table, without its length. Entries keep their order.
pub(super) fn table(bytes: &[u8]) -> Result<Decoded<Vec<(Str, Value)>>, Malformed> {
    let mut decoder = Decoder { left: VALUES_MAX, cut: false };
    let kept = decoder.entries(bytes, 0)?;
    Ok(Decoded { kept, too_deep: decoder.cut })
}

/// A short string as text. Bytes that are not UTF-8 are replaced.
pub(super) fn text(bytes: &[u8]) -> Str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

struct Decoder {
    /// The number of values that may still be kept.
    left: usize,
    /// Something was left out.
    cut: bool,
}

impl Decoder {
    /// `depth` counts the tables and arrays around these entries; the recursion ends at [`Value::DEPTH_MAX`].
    fn entries(&mut self, bytes: &[u8], depth: usize) -> Result<Vec<(Str, Value)>, Malformed> {
        let mut bytes = Bytes::new(bytes);
        let mut entries = Vec::new();
        while !bytes.is_empty() && self.room() {
            let name = text(bytes.short()?);
            entries.push((name, self.value(&mut bytes, depth)?));
        }
        Ok(entries)
    }

    fn items(&mut self, bytes: &[u8], depth: usize) -> Result<Vec<Value>, Malformed> {
        let mut bytes = Bytes::new(bytes);
        let mut items = Vec::new();
        while !bytes.is_empty() && self.room() {
            items.push(self.value(&mut bytes, depth)?);
        }
        Ok(items)
    }

    fn room(&mut self) -> bool {
        let room = self.left > 0;
        self.cut |= !room;
        self.left = self.left.saturating_sub(1);
        room
    }

    fn value(&mut self, bytes: &mut Bytes<'_>, depth: usize) -> Result<Value, Malformed> {
        Ok(match bytes.u8()? {
            b'V' => Value::Null,
            b't' => Value::Bool(bytes.u8()? != 0),
            b'b' => Value::Int(i64::from(bytes.u8()?.cast_signed())),
            b'B' => Value::UInt(u64::from(bytes.u8()?)),
            // RabbitMQ writes 's' for the specification's 'U', and reads both.
            b's' | b'U' => Value::Int(i64::from(bytes.u16()?.cast_signed())),
            b'u' => Value::UInt(u64::from(bytes.u16()?)),
            b'I' => Value::Int(i64::from(bytes.u32()?.cast_signed())),
            b'i' => Value::UInt(u64::from(bytes.u32()?)),
            b'l' | b'L' => Value::Int(bytes.u64()?.cast_signed()),
            b'f' => Value::Float(f64::from(f32::from_bits(bytes.u32()?))),
            b'd' => Value::Float(f64::from_bits(bytes.u64()?)),
            b'D' => Value::Decimal { scale: bytes.u8()?, value: bytes.u32()? },
            b'T' => Value::Timestamp(bytes.u64()?),
            b'x' => Value::Bytes(bytes.long()?.to_vec()),
            b'S' => {
                let string = bytes.long()?;
                std::str::from_utf8(string).map_or_else(|_| Value::Bytes(string.to_vec()), |it| Value::Text(it.into()))
            }
            b'A' | b'F' if depth >= Value::DEPTH_MAX => {
                bytes.long()?;
                self.cut = true;
                Value::TooDeep
            }
            b'A' => Value::List(self.items(bytes.long()?, depth + 1)?),
            b'F' => Value::Table(self.entries(bytes.long()?, depth + 1)?),
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::frame::WriteContext;
    use amq_protocol::types::generation::gen_field_table;
    use amq_protocol::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
    use proptest::prelude::*;

    use super::*;
    use crate::wire::nested;

    /// The bytes of a table, its length included, by another encoder.
    fn bytes(table: &FieldTable) -> Vec<u8> {
        let written = gen_field_table(table)(WriteContext::from(Vec::new()));
        written.expect("memory takes everything").write
    }

    fn decode(bytes: &[u8]) -> Result<Decoded<Vec<(Str, Value)>>, Malformed> {
        table(Bytes::new(bytes).long()?)
    }

    fn field() -> impl Strategy<Value = AMQPValue> {
        let leaf = prop_oneof![
            Just(AMQPValue::Void),
            any::<bool>().prop_map(AMQPValue::Boolean),
            any::<i8>().prop_map(AMQPValue::ShortShortInt),
            any::<u8>().prop_map(AMQPValue::ShortShortUInt),
            any::<i16>().prop_map(AMQPValue::ShortInt),
            any::<u16>().prop_map(AMQPValue::ShortUInt),
            any::<i32>().prop_map(AMQPValue::LongInt),
            any::<u32>().prop_map(AMQPValue::LongUInt),
            any::<i64>().prop_map(AMQPValue::LongLongInt),
            (-1e9f32..1e9).prop_map(AMQPValue::Float),
            (-1e9..1e9).prop_map(AMQPValue::Double),
            (any::<u8>(), any::<u32>())
                .prop_map(|(scale, value)| AMQPValue::DecimalValue(DecimalValue { scale, value })),
            any::<u64>().prop_map(AMQPValue::Timestamp),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(|it| AMQPValue::LongString(it.into())),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(|it| AMQPValue::ByteArray(ByteArray::from(it))),
        ];
        leaf.prop_recursive(5, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| AMQPValue::FieldArray(FieldArray::from(items))),
                prop::collection::btree_map("[a-z]{0,6}", inner, 0..4).prop_map(|entries| {
                    let mut table = FieldTable::default();
                    entries.into_iter().for_each(|(name, field)| {
                        table.insert(name.into(), field);
                    });
                    AMQPValue::FieldTable(table)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn tables_are_read_as_the_other_parser_reads_them(fields in prop::collection::btree_map("[a-z]{1,6}", field(), 0..6)) {
            let mut table = FieldTable::default();
            fields.into_iter().for_each(|(name, field)| {
                        table.insert(name.into(), field);
                    });
            prop_assert_eq!(decode(&bytes(&table)), Ok(crate::wire::table(&table)));
        }

        #[test]
        fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let _ = table(&bytes);
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_stepped_over() {
        for (levels, too_deep) in [(32, false), (33, true), (1000, true)] {
            let mut table = FieldTable::default();
            table.insert("deep".into(), nested(levels));
            table.insert("flat".into(), AMQPValue::Boolean(true));
            let decoded = decode(&bytes(&table)).expect("a table");
            assert_eq!((decoded.too_deep, decoded.kept.len()), (too_deep, 2), "{levels} levels");
        }
    }

    #[test]
    fn a_table_of_very_many_values_is_cut() {
        let many: Vec<u8> = [1, b'a', b'V'].repeat(VALUES_MAX + 10);
        let decoded = table(&many).expect("a table");
        assert!(decoded.too_deep);
        assert!(decoded.kept.len() <= VALUES_MAX, "{}", decoded.kept.len());
        assert!(!table(&[1, b'a', b'V'].repeat(VALUES_MAX)).expect("a table").too_deep);
    }
}
