//! The observer by hand-made conversations.

mod conversation;
mod dead_letters;
mod limits;

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, queue, tx};
use amq_protocol::types::FieldTable;

use crate::model::{Kind, SettlementKind, Side};
use conversation::{Conversation, brief};

fn publish(talk: &mut Conversation, id: &str, body: &[u8]) {
    let method = basic::AMQPMethod::Publish(basic::Publish {
        exchange: "shop.orders".into(),
        routing_key: "order.created".into(),
        mandatory: true,
        immediate: false,
    });
    talk.client_content(1, AMQPClass::Basic(method), AMQPProperties::default().with_message_id(id.into()), body);
}

fn deliver(talk: &mut Conversation, tag: u64, id: &str) {
    let method = basic::AMQPMethod::Deliver(basic::Deliver {
        consumer_tag: "ctag-1".into(),
        delivery_tag: tag,
        redelivered: false,
        exchange: "shop.orders".into(),
        routing_key: "order.created".into(),
    });
    talk.broker_content(1, AMQPClass::Basic(method), AMQPProperties::default().with_message_id(id.into()), b"{}");
}

fn consume(talk: &mut Conversation) {
    talk.client(1, AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare::default())));
    talk.broker(
        1,
        AMQPClass::Queue(queue::AMQPMethod::DeclareOk(queue::DeclareOk {
            queue: "amq.gen-1".into(),
            message_count: 0,
            consumer_count: 0,
        })),
    );
    let consume = basic::Consume {
        queue: "".into(),
        consumer_tag: "".into(),
        no_local: false,
        no_ack: false,
        exclusive: false,
        nowait: false,
        arguments: FieldTable::default(),
    };
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
    let answer = basic::AMQPMethod::ConsumeOk(basic::ConsumeOk { consumer_tag: "ctag-1".into() });
    talk.broker(1, AMQPClass::Basic(answer));
}

fn ack(tag: u64, multiple: bool) -> AMQPClass {
    AMQPClass::Basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag: tag, multiple }))
}

#[test]
fn a_publish_is_confirmed_and_its_confirm_names_it() {
    let mut talk = Conversation::logged_in("shop");
    talk.client(1, AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: false })));
    for id in ["m-1", "m-2", "m-3"] {
        publish(&mut talk, id, b"{\"orderId\":1}");
    }
    talk.broker(1, ack(2, true));
    let nack = basic::Nack { delivery_tag: 3, multiple: false, requeue: false };
    talk.broker(1, AMQPClass::Basic(basic::AMQPMethod::Nack(nack)));
    assert_eq!(
        talk.told(),
        [
            "session_open",
            "publish 1 m-1",
            "publish 2 m-2",
            "publish 3 m-3",
            "confirm 1 m-1 ack multiple",
            "confirm 2 m-2 ack multiple",
            "confirm 3 m-3 nack",
        ]
    );
    let event = &talk.events[1];
    assert_eq!((event.exchange.as_deref(), event.routing_key.as_deref()), (Some("shop.orders"), Some("order.created")));
    let session = event.session.as_ref().expect("a session");
    assert_eq!((session.user.as_deref(), session.client_name.as_deref()), (Some("shop"), Some("Shop API")));
    assert_eq!((event.vhost.as_deref(), session.channel), (Some("/orders"), Some(1)));
    assert_eq!(event.body.as_ref().map(|body| (body.len, body.truncated, body.data.len())), Some((13, false, 13)));
}

#[test]
fn deliveries_are_settled_by_the_tags_that_a_method_means() {
    let mut talk = Conversation::logged_in("crm");
    consume(&mut talk);
    for tag in 1..=6 {
        deliver(&mut talk, tag, &format!("m-{tag}"));
    }
    talk.client(1, ack(3, false));
    talk.client(1, ack(2, true));
    let reject = basic::Reject { delivery_tag: 4, requeue: false };
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Reject(reject)));
    let nack = basic::Nack { delivery_tag: 0, multiple: true, requeue: true };
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Nack(nack)));
    let told = talk.told();
    assert_eq!(
        told[7..],
        [
            "settle 3 m-3 ack amq.gen-1",
            "settle 1 m-1 ack multiple amq.gen-1",
            "settle 2 m-2 ack multiple amq.gen-1",
            "settle 4 m-4 reject amq.gen-1",
            "settle 5 m-5 nack requeue multiple amq.gen-1",
            "settle 6 m-6 nack requeue multiple amq.gen-1",
        ]
    );
    assert_eq!(talk.observer.figures().unsettled, 0);
}

#[test]
fn what_a_closed_channel_held_goes_back() {
    let mut talk = Conversation::logged_in("crm");
    consume(&mut talk);
    deliver(&mut talk, 1, "m-1");
    let close = channel::Close {
        reply_code: 406,
        reply_text: "PRECONDITION_FAILED - unknown delivery tag 9".into(),
        class_id: 60,
        method_id: 80,
    };
    talk.broker(1, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
    // The client has not read that yet: the broker ignores these.
    publish(&mut talk, "m-2", b"x");
    talk.client(1, ack(1, false));
    talk.client(1, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
    assert_eq!(
        talk.told()[2..],
        [
            "topology channel.closed: channel 1 was closed by the broker: 406 PRECONDITION_FAILED - unknown delivery \
             tag 9; 1 deliveries were not settled",
            "settle 1 m-1 close requeue multiple amq.gen-1",
        ]
    );
}

#[test]
fn a_transaction_happens_at_its_commit_or_not_at_all() {
    let mut talk = Conversation::logged_in("mes");
    consume(&mut talk);
    deliver(&mut talk, 1, "m-1");
    talk.client(1, AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})));
    publish(&mut talk, "p-1", b"x");
    talk.client(1, ack(1, false));
    talk.client(1, AMQPClass::Tx(tx::AMQPMethod::Rollback(tx::Rollback {})));
    talk.broker(1, AMQPClass::Tx(tx::AMQPMethod::RollbackOk(tx::RollbackOk {})));
    assert_eq!(talk.told().len(), 2, "{:?}", talk.told());
    publish(&mut talk, "p-2", b"x");
    talk.client(1, ack(1, false));
    talk.client(1, AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})));
    assert_eq!(talk.told().len(), 2, "{:?}", talk.told());
    talk.broker(1, AMQPClass::Tx(tx::AMQPMethod::CommitOk(tx::CommitOk {})));
    assert_eq!(talk.told()[2..], ["publish p-2", "confirm p-2 ack", "settle 1 m-1 ack amq.gen-1"]);
}

#[test]
fn a_session_ends_as_the_protocol_says_or_as_was_seen() {
    let mut talk = Conversation::logged_in("crm");
    consume(&mut talk);
    deliver(&mut talk, 1, "m-1");
    let close =
        connection::Close { reply_code: 320, reply_text: "CONNECTION_FORCED".into(), class_id: 0, method_id: 0 };
    talk.broker(0, AMQPClass::Connection(connection::AMQPMethod::Close(close)));
    talk.end();
    assert_eq!(
        talk.told()[2..],
        ["settle 1 m-1 close requeue multiple amq.gen-1", "session_close Broker Some(320) CONNECTION_FORCED 1"]
    );

    let mut talk = Conversation::logged_in("crm");
    talk.end();
    assert_eq!(talk.told()[1..], ["session_close Client None gone 0"]);
}

#[test]
fn bytes_that_are_no_frames_end_observing_and_that_is_told() {
    let mut talk = Conversation::logged_in("crm");
    talk.bytes(Side::Client, &[7; 20]);
    talk.bytes(Side::Client, &[7; 20]);
    talk.end();
    let told = talk.told();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[1].starts_with("gap session 127.0.0.1:9 -> 127.0.0.1:1: from here to its end"), "{told:?}");
    assert!(told[1].ends_with("from the client came a frame of the unknown type 7"), "{told:?}");
    assert!(talk.observer.figures().blind);
}

#[test]
fn other_protocols_are_a_session_with_a_gap() {
    for (greeting, cause) in [
        (&b"AMQP\x03\x01\0\0"[..], "it speaks AMQP 1.0, which passes and is not read"),
        (b"GET / HTTP/1.1", "it does not speak AMQP"),
    ] {
        let mut talk = Conversation::new();
        greeting.chunks(1).for_each(|byte| talk.bytes(Side::Client, byte));
        talk.end();
        let told = talk.told();
        assert_eq!(told[0], "session_open");
        assert!(told[1].ends_with(cause), "{told:?}");
        assert_eq!(told[3..], ["session_close Client None gone 0"]);
    }
    let mut probe = Conversation::new();
    probe.end();
    assert_eq!(probe.told(), [""; 0]);
}

#[test]
fn more_than_is_remembered_is_counted_into_a_gap() {
    let mut talk = Conversation::logged_in("crm");
    talk.limit(|limits| limits.unsettled_max = 2);
    consume(&mut talk);
    (1..=5).for_each(|tag| deliver(&mut talk, tag, "m"));
    talk.client(1, ack(5, true));
    talk.end();
    let count = |kind: Kind| talk.events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((count(Kind::Deliver), count(Kind::Settle), count(Kind::Gap)), (5, 2, 1));
    let gap = talk.events.iter().find_map(|event| event.gap.as_ref()).expect("a gap");
    assert_eq!(gap.count, Some(3), "{}", brief(&talk.events[9]));
}

#[test]
fn a_recover_gives_everything_back() {
    let mut talk = Conversation::logged_in("crm");
    consume(&mut talk);
    deliver(&mut talk, 1, "m-1");
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Recover(basic::Recover { requeue: true })));
    assert_eq!(talk.told().len(), 2);
    talk.broker(1, AMQPClass::Basic(basic::AMQPMethod::RecoverOk(basic::RecoverOk {})));
    let event = &talk.events[2];
    assert_eq!(event.settlement.map(|it| (it.kind, it.requeue)), Some((SettlementKind::Recover, true)));
}

#[test]
fn a_publish_that_cannot_be_followed_keeps_its_number() {
    let mut talk = Conversation::logged_in("shop");
    talk.client(1, AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: false })));
    talk.limit(|limits| limits.unfinished_max = 0);
    publish(&mut talk, "m-1", b"x");
    talk.limit(|limits| limits.unfinished_max = 1);
    publish(&mut talk, "m-2", b"x");
    talk.broker(1, ack(1, false));
    talk.broker(1, ack(2, false));
    assert_eq!(talk.told()[1..], ["publish 2 m-2", "confirm 2 m-2 ack"]);
}

#[test]
fn what_a_client_only_asked_for_is_not_told_as_its_virtual_host() {
    let mut talk = Conversation::new();
    talk.bytes(Side::Client, b"AMQP\0\0\x09\x01");
    let open = connection::Open { virtual_host: "/secret".into() };
    talk.client(0, AMQPClass::Connection(connection::AMQPMethod::Open(open)));
    talk.end();
    assert_eq!(talk.told(), ["session_open", "session_close Client None gone 0"]);
    assert!(talk.events.iter().all(|event| event.vhost.is_none()), "{:?}", talk.events);
}

#[test]
fn an_answer_to_a_request_that_is_not_remembered_is_no_answer_to_another() {
    let mut talk = Conversation::logged_in("crm");
    let get = |queue: &str| {
        let get = basic::Get { queue: queue.into(), no_ack: false };
        AMQPClass::Basic(basic::AMQPMethod::Get(get))
    };
    talk.limit(|limits| limits.consumers_max = 1);
    for queue in ["one", "two", "three"] {
        talk.client(1, get(queue));
    }
    let empty = || AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {}));
    talk.broker(1, empty());
    talk.broker(1, empty());
    // There is room again, and "three" has still to be answered.
    talk.client(1, get("four"));
    let mut got = |tag: u64| {
        let method = basic::AMQPMethod::GetOk(basic::GetOk {
            delivery_tag: tag,
            redelivered: false,
            exchange: "".into(),
            routing_key: "key".into(),
            message_count: 0,
        });
        talk.broker_content(1, AMQPClass::Basic(method), AMQPProperties::default(), b"x");
        talk.events.last().and_then(|event| event.queue.as_deref().map(str::to_owned))
    };
    assert_eq!((got(1), got(2)), (None, None), "three and four, of which nothing is remembered");
    talk.client(1, get("five"));
    let empty = AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {}));
    talk.broker(1, empty);
    assert_eq!(talk.observer.figures().channels, 1);
}

#[test]
fn headers_count_for_what_a_session_may_take() {
    use amq_protocol::types::{AMQPValue, FieldTable};
    let mut headers = FieldTable::default();
    headers.insert("large".into(), AMQPValue::LongString(vec![b'x'; 4000].into()));
    let mut talk = Conversation::logged_in("shop");
    talk.limit(|limits| limits.bytes_max = 1000);
    let method = basic::AMQPMethod::Publish(basic::Publish::default());
    let properties = AMQPProperties::default().with_headers(headers);
    talk.client_content(1, AMQPClass::Basic(method), properties, b"body");
    let event = talk.events.last().expect("a publish");
    assert_eq!((event.kind, event.headers.len()), (Kind::Publish, 0));
    assert_eq!(event.body.as_ref().map(|body| body.data.len()), Some(4));
    talk.end();
    assert!(talk.told().iter().any(|told| told.contains("recorded without some")), "{:?}", talk.told());
}
