//! The properties of a `basic` message, from the bytes of its content header onto an event (AMQP 0-9-1, section
//! 4.2.6.1).

use super::bytes::{Bytes, Malformed};
use super::names::Names;
use super::properties::Content;
use super::table::{table, text};
use crate::model::{Event, Str};

/// Puts the properties onto `event`. Names that repeat come from `names`.
pub(super) fn apply(event: &mut Event, mut bytes: Bytes<'_>, names: &mut Names) -> Result<Content, Malformed> {
    let flags = bytes.u16()?;
    let bytes = &mut bytes;
    let mut content = Content::default();
    let has = |bit: u16| flags & 1 << bit != 0;
    let mut name = |has: bool, bytes: &mut Bytes<'_>| -> Result<Option<Str>, Malformed> {
        if has { bytes.short().map(|text| Some(names.get(text))) } else { Ok(None) }
    };
    content.content_type = name(has(15), bytes)?;
    event.properties.content_encoding = name(has(14), bytes)?;
    if has(13) {
        let headers = table(bytes.long()?)?;
        event.headers = headers.kept;
        content.too_deep = headers.too_deep;
    }
    event.properties.delivery_mode = has(12).then(|| bytes.u8()).transpose()?;
    event.properties.priority = has(11).then(|| bytes.u8()).transpose()?;
    event.correlation_id = has(10).then(|| bytes.short().map(text)).transpose()?;
    event.reply_to = has(9).then(|| bytes.short().map(text)).transpose()?;
    event.properties.expiration = has(8).then(|| bytes.short().map(text)).transpose()?;
    event.message_id = has(7).then(|| bytes.short().map(text)).transpose()?;
    event.properties.timestamp = has(6).then(|| bytes.u64()).transpose()?;
    event.type_ = name(has(5), bytes)?;
    event.properties.user_id = name(has(4), bytes)?;
    event.app_id = name(has(3), bytes)?;
    Ok(content)
}
