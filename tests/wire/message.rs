//! Messages at random: as they are sent, and as an event should tell them.

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
use hoptrail::model::{Body, Event, Properties, Str, Value};

use hoptrail_tests::Rng;

/// A message's content.
#[derive(Clone, Debug)]
pub struct Message {
    /// What a broker is given.
    pub sent: AMQPProperties,
    /// An event with nothing but what the properties say.
    told: Event,
    content_type: Option<Str>,
    pub body: Vec<u8>,
}

impl Message {
    /// `payload_max` is what fits into one frame.
    pub fn random(rng: &mut Rng, payload_max: usize) -> Message {
        let body_len = body_len(rng, payload_max);
        let mut message = Message {
            sent: AMQPProperties::default(),
            told: crate::truth::event(hoptrail::model::Kind::Publish),
            content_type: None,
            body: rng.bytes(body_len),
        };
        // Some clients set nothing, some nearly everything.
        let percent = *rng.pick(&[0, 30, 90]);
        message.texts(rng, percent);
        message.numbers(rng, percent);
        if rng.chance(percent) {
            let (sent, told) = table(rng, 0);
            message.sent = message.sent.with_headers(sent);
            message.told.headers = told;
        }
        message
    }

    fn texts(&mut self, rng: &mut Rng, percent: u64) {
        type Set = fn(&mut Event, &mut Option<Str>, Str);
        type Send = fn(AMQPProperties, amq_protocol::types::ShortString) -> AMQPProperties;
        let fields: [(Send, Set); 10] = [
            (AMQPProperties::with_message_id, |event, _, text| event.message_id = Some(text)),
            (AMQPProperties::with_correlation_id, |event, _, text| event.correlation_id = Some(text)),
            (AMQPProperties::with_reply_to, |event, _, text| event.reply_to = Some(text)),
            (AMQPProperties::with_type, |event, _, text| event.type_ = Some(text)),
            (AMQPProperties::with_app_id, |event, _, text| event.app_id = Some(text)),
            (AMQPProperties::with_content_type, |_, content_type, text| *content_type = Some(text)),
            (AMQPProperties::with_content_encoding, |event, _, text| event.properties.content_encoding = Some(text)),
            (AMQPProperties::with_expiration, |event, _, text| event.properties.expiration = Some(text)),
            (AMQPProperties::with_user_id, |event, _, text| event.properties.user_id = Some(text)),
            // No event tells it; it only stands in the way of the others.
            (AMQPProperties::with_cluster_id, |_, _, _| {}),
        ];
        for (send, set) in fields {
            if rng.chance(percent) {
                let text = name(rng);
                self.sent = send(std::mem::take(&mut self.sent), text.clone().into());
                set(&mut self.told, &mut self.content_type, text.into());
            }
        }
    }

    fn numbers(&mut self, rng: &mut Rng, percent: u64) {
        let sent = std::mem::take(&mut self.sent);
        let mode = rng.chance(percent).then(|| 1 + rng.below(2) as u8);
        let priority = rng.chance(percent).then(|| rng.below(10) as u8);
        let timestamp = rng.chance(percent).then(|| rng.next());
        let sent = mode.into_iter().fold(sent, AMQPProperties::with_delivery_mode);
        let sent = priority.into_iter().fold(sent, AMQPProperties::with_priority);
        self.sent = timestamp.into_iter().fold(sent, AMQPProperties::with_timestamp);
        let told = &mut self.told.properties;
        *told = Properties { delivery_mode: mode, priority, timestamp, ..std::mem::take(told) };
    }

    /// What an event with this content says of it, if at most `body_bytes_max` bytes of the body are kept.
    pub fn tell(&self, event: &mut Event, body_bytes_max: usize) {
        self.tell_names(event);
        event.correlation_id = self.told.correlation_id.clone();
        event.reply_to = self.told.reply_to.clone();
        event.type_ = self.told.type_.clone();
        event.app_id = self.told.app_id.clone();
        event.properties = self.told.properties.clone();
        event.headers = self.told.headers.clone();
        let kept = self.body.len().min(body_bytes_max);
        event.body = Some(Body {
            len: self.body.len() as u64,
            content_type: self.content_type.clone(),
            truncated: kept < self.body.len(),
            data: self.body[..kept].to_vec(),
            ..Body::default()
        });
    }

    /// What an event about a message whose content an earlier event had says of it.
    pub fn tell_names(&self, event: &mut Event) {
        event.message_id = self.told.message_id.clone();
    }
}

fn body_len(rng: &mut Rng, payload_max: usize) -> usize {
    let edge = payload_max.min(140_000);
    // What stands at the edge of large frames costs time.
    match rng.below(if edge > 10_000 { 100 } else { 14 }) {
        0 => edge,
        1 => edge + 1,
        2 => edge - 1,
        3 => 2 * edge,
        4 => 2 * edge + rng.below(1000) as usize,
        5 | 6 => 0,
        7 | 8 => 1,
        _ => rng.below(300) as usize,
    }
}

/// A name: mostly one that comes again.
pub fn name(rng: &mut Rng) -> String {
    match rng.below(10) {
        0 => String::new(),
        1 => format!("ünïcode-{}", rng.below(1000)),
        2 => "x".repeat(255),
        _ => format!("{}-{}", rng.pick(&["orders", "mes.approved", "crm", "shop"]), rng.below(30)),
    }
}

fn table(rng: &mut Rng, depth: u64) -> (FieldTable, Vec<(Str, Value)>) {
    let (mut sent, mut told) = (FieldTable::default(), Vec::new());
    for number in 0..rng.below(4) {
        let name = format!("{number}-{}", rng.pick(&["order", "tenant", "é"]));
        let (field, value) = field(rng, depth);
        sent.insert(name.as_str().into(), field);
        told.push((name.into(), value));
    }
    (sent, told)
}

fn field(rng: &mut Rng, depth: u64) -> (AMQPValue, Value) {
    let number = rng.next();
    match rng.below(if depth < 4 { 18 } else { 16 }) {
        0 => (AMQPValue::Void, Value::Null),
        1 => (AMQPValue::Boolean(number.is_multiple_of(2)), Value::Bool(number.is_multiple_of(2))),
        2 => (AMQPValue::ShortShortInt(number as i8), Value::Int(i64::from(number as i8))),
        3 => (AMQPValue::ShortShortUInt(number as u8), Value::UInt(u64::from(number as u8))),
        4 => (AMQPValue::ShortInt(number as i16), Value::Int(i64::from(number as i16))),
        5 => (AMQPValue::ShortUInt(number as u16), Value::UInt(u64::from(number as u16))),
        6 => (AMQPValue::LongInt(number as i32), Value::Int(i64::from(number as i32))),
        7 => (AMQPValue::LongUInt(number as u32), Value::UInt(u64::from(number as u32))),
        8 => (AMQPValue::LongLongInt(number as i64), Value::Int(number as i64)),
        9 => (AMQPValue::Float(number as i16 as f32), Value::Float(f64::from(number as i16))),
        10 => (AMQPValue::Double(number as i32 as f64), Value::Float(f64::from(number as i32))),
        11 => {
            let (scale, value) = (number as u8, (number >> 8) as u32);
            (AMQPValue::DecimalValue(DecimalValue { scale, value }), Value::Decimal { scale, value })
        }
        12 => (AMQPValue::Timestamp(number), Value::Timestamp(number)),
        13 => (AMQPValue::LongString(vec![0xff, number as u8].into()), Value::Bytes(vec![0xff, number as u8])),
        14 => (AMQPValue::ByteArray(ByteArray::from(vec![number as u8])), Value::Bytes(vec![number as u8])),
        15 => {
            let text = name(rng);
            (AMQPValue::LongString(text.as_str().into()), Value::Text(text.into()))
        }
        16 => {
            let (sent, told) = (0..rng.below(3)).map(|_| field(rng, depth + 1)).unzip::<_, _, Vec<_>, Vec<_>>();
            (AMQPValue::FieldArray(FieldArray::from(sent)), Value::List(told))
        }
        _ => {
            let (sent, told) = table(rng, depth + 1);
            (AMQPValue::FieldTable(sent), Value::Table(told))
        }
    }
}
