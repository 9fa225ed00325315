//! Puts a message's properties and headers onto an event, from both of their forms.
//!
//! A client's own delivery has them as `basic`'s properties (AMQP 0-9-1, section 1.8.1). The firehose has them as a
//! table named `properties` in its message's headers, with underscores in the names. There every integer is a signed
//! 32-bit number (RabbitMQ 3.12, `rabbit_trace`), so a `timestamp` in milliseconds arrives cut.

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::{AMQPValue, FieldTable, ShortString};

use super::value::{Decoded, table, text};
use crate::model::{Event, Str};

/// The properties of a message that are not fields of the event itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Belongs to the body.
    pub content_type: Option<Str>,
    /// The headers were nested deeper than is kept.
    pub too_deep: bool,
}

/// Puts the properties of a `basic` message, its headers included, onto `event`.
pub fn apply_basic(event: &mut Event, properties: &AMQPProperties) -> Content {
    let text = |property: &Option<ShortString>| property.as_ref().map(|text| Str::from(text.as_str()));
    event.message_id = text(properties.message_id());
    event.correlation_id = text(properties.correlation_id());
    event.reply_to = text(properties.reply_to());
    event.type_ = text(properties.kind());
    event.app_id = text(properties.app_id());
    event.properties.content_encoding = text(properties.content_encoding());
    event.properties.expiration = text(properties.expiration());
    event.properties.user_id = text(properties.user_id());
    event.properties.delivery_mode = *properties.delivery_mode();
    event.properties.priority = *properties.priority();
    event.properties.timestamp = *properties.timestamp();
    let headers = properties.headers().as_ref().map(table).unwrap_or_default();
    Content { content_type: text(properties.content_type()), too_deep: take_headers(event, headers) }
}

/// Puts the firehose's table of properties onto `event`.
pub fn apply_table(event: &mut Event, properties: &FieldTable) -> Content {
    let mut content = Content::default();
    for (name, field) in properties {
        match name.as_str() {
            "message_id" => event.message_id = text(field),
            "correlation_id" => event.correlation_id = text(field),
            "reply_to" => event.reply_to = text(field),
            "type" => event.type_ = text(field),
            "app_id" => event.app_id = text(field),
            "content_type" => content.content_type = text(field),
            "content_encoding" => event.properties.content_encoding = text(field),
            "expiration" => event.properties.expiration = text(field),
            "user_id" => event.properties.user_id = text(field),
            "delivery_mode" => event.properties.delivery_mode = number(field).and_then(|n| u8::try_from(n).ok()),
            "priority" => event.properties.priority = number(field).and_then(|n| u8::try_from(n).ok()),
            "timestamp" => event.properties.timestamp = number(field),
            "headers" => {
                if let AMQPValue::FieldTable(headers) = field {
                    content.too_deep = take_headers(event, table(headers));
                }
            }
            _ => {}
        }
    }
    content
}

fn take_headers(event: &mut Event, headers: Decoded<Vec<(Str, crate::model::Value)>>) -> bool {
    event.headers = headers.kept;
    headers.too_deep
}

/// A number that is not negative. A number that became negative when it was cut to 32 bits says nothing.
fn number(field: &AMQPValue) -> Option<u64> {
    super::value::value(field).kept.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Properties, Source, Timestamp, Value};
    use crate::wire::nested;

    fn event() -> Event {
        Event::new(Kind::Publish, Source::Binding, Timestamp::default())
    }

    fn headers() -> FieldTable {
        let mut headers = FieldTable::default();
        headers.insert("order".into(), AMQPValue::LongString("4711".into()));
        headers
    }

    fn expected() -> Event {
        Event {
            message_id: Some("m-1".into()),
            correlation_id: Some("c-1".into()),
            reply_to: Some("answers".into()),
            type_: Some("order".into()),
            app_id: Some("shop".into()),
            properties: Properties {
                content_encoding: Some("gzip".into()),
                delivery_mode: Some(2),
                priority: Some(5),
                expiration: Some("60000".into()),
                timestamp: Some(1_795_226_400),
                user_id: Some("guest".into()),
            },
            headers: vec![("order".into(), Value::Text("4711".into()))],
            ..event()
        }
    }

    #[test]
    fn every_basic_property_reaches_the_event() {
        let properties = AMQPProperties::default()
            .with_message_id("m-1".into())
            .with_correlation_id("c-1".into())
            .with_reply_to("answers".into())
            .with_type("order".into())
            .with_app_id("shop".into())
            .with_content_type("application/json".into())
            .with_content_encoding("gzip".into())
            .with_delivery_mode(2)
            .with_priority(5)
            .with_expiration("60000".into())
            .with_timestamp(1_795_226_400)
            .with_user_id("guest".into())
            .with_headers(headers());
        let mut event = event();
        let content = apply_basic(&mut event, &properties);
        assert_eq!(event, expected());
        assert_eq!(content, Content { content_type: Some("application/json".into()), too_deep: false });
    }

    #[test]
    fn every_property_of_the_firehose_reaches_the_event() {
        let mut properties = FieldTable::default();
        for (name, value) in [
            ("message_id", "m-1"),
            ("correlation_id", "c-1"),
            ("reply_to", "answers"),
            ("type", "order"),
            ("app_id", "shop"),
            ("content_type", "application/json"),
            ("content_encoding", "gzip"),
            ("expiration", "60000"),
            ("user_id", "guest"),
        ] {
            properties.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        for (name, value) in [("delivery_mode", 2), ("priority", 5), ("timestamp", 1_795_226_400)] {
            properties.insert(name.into(), AMQPValue::LongInt(value));
        }
        properties.insert("headers".into(), AMQPValue::FieldTable(headers()));
        let mut event = event();
        let content = apply_table(&mut event, &properties);
        assert_eq!(event, expected());
        assert_eq!(content, Content { content_type: Some("application/json".into()), too_deep: false });
    }

    #[test]
    fn a_timestamp_cut_to_a_negative_number_is_left_out() {
        let mut properties = FieldTable::default();
        properties.insert("timestamp".into(), AMQPValue::LongInt(-5));
        let mut event = event();
        apply_table(&mut event, &properties);
        assert_eq!(event.properties.timestamp, None);
    }

    #[test]
    fn headers_nested_too_deep_are_told() {
        let mut headers = FieldTable::default();
        headers.insert("deep".into(), nested(40));
        let mut properties = FieldTable::default();
        properties.insert("headers".into(), AMQPValue::FieldTable(headers.clone()));
        assert!(apply_table(&mut event(), &properties).too_deep);
        assert!(apply_basic(&mut event(), &AMQPProperties::default().with_headers(headers)).too_deep);
    }
}
