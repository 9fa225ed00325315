//! Header values as bytes: a tag, then the value. Depth is bounded by [`Value::DEPTH_MAX`] on both ways.

use crate::journal::varint::{Cursor, Malformed, put, put_bytes};
use crate::model::{Str, Value};

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const UINT: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const DECIMAL: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const TIMESTAMP: u8 = 9;
    pub(super) const LIST: u8 = 10;
    pub(super) const TABLE: u8 = 11;
    pub(super) const TOO_DEEP: u8 = 12;
}

pub(super) fn put_value(value: &Value, out: &mut Vec<u8>) {
    put_nested(value, out, 0);
}

fn put_nested(value: &Value, out: &mut Vec<u8>, depth: usize) {
    match value {
        Value::Null => out.push(tag::NULL),
        Value::Bool(false) => out.push(tag::FALSE),
        Value::Bool(true) => out.push(tag::TRUE),
        Value::Int(number) => {
            out.push(tag::INT);
            put(out, ((number << 1) ^ (number >> 63)) as u64);
        }
        Value::UInt(number) => {
            out.push(tag::UINT);
            put(out, *number);
        }
        Value::Float(number) => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Decimal { scale, value } => {
            out.extend_from_slice(&[tag::DECIMAL, *scale]);
            put(out, u64::from(*value));
        }
        Value::Text(text) => {
            out.push(tag::TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(tag::BYTES);
            put_bytes(out, bytes);
        }
        Value::Timestamp(seconds) => {
            out.push(tag::TIMESTAMP);
            put(out, *seconds);
        }
        Value::List(_) | Value::Table(_) if depth >= Value::DEPTH_MAX => out.push(tag::TOO_DEEP),
        Value::List(items) => {
            out.push(tag::LIST);
            put(out, items.len() as u64);
            items.iter().for_each(|item| put_nested(item, out, depth + 1));
        }
        Value::Table(entries) => {
            out.push(tag::TABLE);
            put(out, entries.len() as u64);
            for (name, value) in entries {
                put_bytes(out, name.as_bytes());
                put_nested(value, out, depth + 1);
            }
        }
        Value::TooDeep => out.push(tag::TOO_DEEP),
    }
}

pub(super) fn get_value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Malformed> {
    if depth > Value::DEPTH_MAX {
        return Err(Malformed);
    }
    Ok(match cursor.byte()? {
        tag::NULL => Value::Null,
        tag::FALSE => Value::Bool(false),
        tag::TRUE => Value::Bool(true),
        tag::INT => {
            let zigzag = cursor.varint()?;
            Value::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
        }
        tag::UINT => Value::UInt(cursor.varint()?),
        tag::FLOAT => Value::Float(f64::from_bits(u64::from_le_bytes(cursor.array()?))),
        tag::DECIMAL => {
            Value::Decimal { scale: cursor.byte()?, value: u32::try_from(cursor.varint()?).map_err(|_| Malformed)? }
        }
        tag::TEXT => Value::Text(text(cursor)?),
        tag::BYTES => Value::Bytes(cursor.bytes()?.to_vec()),
        tag::TIMESTAMP => Value::Timestamp(cursor.varint()?),
        tag::LIST => {
            let len = cursor.len()?;
            Value::List((0..len).map(|_| get_value(cursor, depth + 1)).collect::<Result<_, _>>()?)
        }
        tag::TABLE => {
            let len = cursor.len()?;
            let entries = (0..len).map(|_| Ok((text(cursor)?, get_value(cursor, depth + 1)?)));
            Value::Table(entries.collect::<Result<_, _>>()?)
        }
        tag::TOO_DEEP => Value::TooDeep,
        _ => return Err(Malformed),
    })
}

fn text(cursor: &mut Cursor<'_>) -> Result<Str, Malformed> {
    std::str::from_utf8(cursor.bytes()?).map(Str::from).map_err(|_| Malformed)
}
