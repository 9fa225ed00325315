//! Every event reads back as it was; no bytes make the decoder panic.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::journal::strings::Interner;
use crate::journal::varint::Cursor;
use crate::model::{
    Body, Close, Death, Event, Fingerprint, Gap, Kind, Party, Properties, Return, Seq, Session, Settlement,
    SettlementKind, Source, Str, Timestamp, Topology, Value,
};

use super::{decode, encode};

fn text() -> impl Strategy<Value = Str> {
    ".{0,12}".prop_map(Str::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        (-1e9..1e9).prop_map(Value::Float),
        (any::<u8>(), any::<u32>()).prop_map(|(scale, value)| Value::Decimal { scale, value }),
        text().prop_map(Value::Text),
        vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
        any::<u64>().prop_map(Value::Timestamp),
        Just(Value::TooDeep),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Value::List), vec((text(), inner), 0..3).prop_map(Value::Table),]
    })
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_000i64).prop_map(Timestamp::from_micros)
}

prop_compose! {
    fn routing()(
        vhost in of(text()), service in of(text()), exchange in of(text()), routing_key in of(text()),
        routing_keys in vec(text(), 0..3), queue in of(text()), routed_queues in of(vec(text(), 0..3)),
        session in of((of(text()), of(text()), of(text()), of(any::<u16>()))),
    ) -> Event {
        let session = session.map(|(connection, user, client_name, channel)| {
            Session { connection, user, client_name, channel }
        });
        let event = Event::new(Kind::Publish, Source::Binding, Timestamp::default());
        Event { vhost, service, exchange, routing_key, routing_keys, queue, routed_queues, session, ..event }
    }
}

prop_compose! {
    fn identity()(
        ids in (of(text()), of(text()), of(text()), of(text()), of(text())),
        keys in (of(text()), of(text()), of(text())),
        fingerprint in of(any::<[u8; 16]>()),
        properties in (of(text()), of(any::<u8>()), of(any::<u8>()), of(text()), of(any::<u64>()), of(text())),
        event in routing(),
    ) -> Event {
        let (message_id, correlation_id, reply_to, type_, app_id) = ids;
        let (order_id, customer_id, status) = keys;
        let (content_encoding, delivery_mode, priority, expiration, timestamp, user_id) = properties;
        let properties = Properties { content_encoding, delivery_mode, priority, expiration, timestamp, user_id };
        let fingerprint = fingerprint.map(Fingerprint);
        Event {
            message_id, correlation_id, reply_to, type_, app_id, order_id, customer_id, status, fingerprint,
            properties, ..event
        }
    }
}

prop_compose! {
    fn event()(
        kind in 0..Kind::ALL.len(), source in 0..Source::ALL.len(), at in time(), observed_late in any::<bool>(),
        redelivered in of(any::<bool>()), delivery_tag in of(any::<u64>()),
        settlement in of((0..5usize, any::<bool>(), any::<bool>())),
        returned in of((any::<u16>(), text())),
        death in of((text(), text(), vec(text(), 0..2), any::<u64>(), of(time()))),
        headers in vec((text(), value()), 0..4),
        body in of((any::<u64>(), any::<[u8; 16]>(), of(text()), any::<bool>(), vec(any::<u8>(), 0..64))),
        gap in of((time(), time(), of(any::<u64>()), text())),
        topology in (of((text(), text())), of(text()), of((0..3usize, of(any::<u16>()), text(), any::<u64>()))),
        event in identity(),
    ) -> Event {
        use SettlementKind::{Ack, Close as Closed, Nack, Recover, Reject};
        let kinds = [Ack, Nack, Reject, Recover, Closed];
        let parties = [Party::Client, Party::Broker, Party::Hoptrail];
        let (topology, consumer_tag, close) = topology;
        Event {
            kind: Kind::ALL[kind], source: Source::ALL[source], at, observed_late, redelivered, delivery_tag,
            settlement: settlement.map(|(kind, requeue, multiple)| Settlement { kind: kinds[kind], requeue, multiple }),
            returned: returned.map(|(code, text)| Return { code, text }),
            death: death.map(|(queue, reason, routing_keys, count, first_at)| {
                Death { exchange: queue.clone(), queue, reason, routing_keys, count, first_at }
            }),
            headers,
            body: body.map(|(len, digest, content_type, truncated, data)| {
                Body { len, digest, content_type, truncated, data, same_as: None }
            }),
            gap: gap.map(|(from, to, count, cause)| Gap { source: Source::Proxy, from, to, count, cause }),
            topology: topology.map(|(change, detail)| Topology { change, detail }),
            consumer_tag,
            close: close.map(|(by, code, text, unsettled)| Close { by: parties[by], code, text, unsettled }),
            ..event
        }
    }
}

proptest! {
    #[test]
    fn events_read_back_as_they_were(events in vec(event(), 1..6)) {
        let (mut interner, mut bytes) = (Interner::default(), Vec::new());
        let mut previous = Timestamp::default();
        for event in &events {
            encode(event, previous, Seq::default(), &mut interner, &mut bytes);
            previous = event.at;
        }
        let (_, strings) = interner.take_fresh();
        let mut cursor = Cursor::new(&bytes);
        let mut previous = Timestamp::default();
        for event in &events {
            let read = decode(&mut cursor, event.seq, previous, &strings).expect("what was encoded");
            prop_assert_eq!(&read, event);
            previous = read.at;
        }
        prop_assert!(cursor.is_empty());
    }

    #[test]
    fn damaged_bytes_are_an_error_or_an_event_but_never_a_panic(
        event in event(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let (mut interner, mut bytes) = (Interner::default(), Vec::new());
        encode(&event, Timestamp::default(), Seq::default(), &mut interner, &mut bytes);
        let (_, strings) = interner.take_fresh();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let read = decode(&mut Cursor::new(&bytes), Seq(7), Timestamp::default(), &strings);
        prop_assert!(read.is_err() || read.is_ok_and(|event| event.headers.len() <= bytes.len()));
    }

    #[test]
    fn bytes_that_an_earlier_event_has_are_written_as_the_way_back_to_it(
        event in event(), body in vec(any::<u8>(), 0..100), seq in 2..1_000_000u64, back in 1..1_000_000u64,
        oldest in 1..1_000_000u64, was_read in any::<bool>(),
    ) {
        let same = Seq(seq.saturating_sub(back).max(1));
        let data = if was_read { Vec::new() } else { body };
        let body = Body { data, same_as: Some(same), ..Body::default() };
        let event = Event { seq: Seq(seq), body: Some(body.clone()), ..event };
        let (mut interner, mut bytes) = (Interner::default(), Vec::new());
        encode(&event, Timestamp::default(), Seq(oldest), &mut interner, &mut bytes);
        let (_, strings) = interner.take_fresh();
        let read = decode(&mut Cursor::new(&bytes), Seq(seq), Timestamp::default(), &strings).expect("what was encoded");
        let refers = same.0 >= oldest || body.data.is_empty();
        let expected = if refers { Body { data: Vec::new(), ..body } } else { Body { same_as: None, ..body } };
        prop_assert_eq!(read.body, Some(expected));
    }
}
