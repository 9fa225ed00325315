//! Bytes that nobody should send, each with what is to be said of them.

use amq_protocol::protocol::{AMQPClass, basic, channel, connection};
use amq_protocol::types::FieldTable;
use hoptrail::model::Side;

use crate::frames::{self, GREETING, raw};

pub type Sent = (Side, Vec<u8>);

/// Something bad, and what comes of it.
pub struct Case {
    pub name: &'static str,
    pub when: When,
    pub bad: Vec<Sent>,
    /// Words of the gap's cause. `None`: nothing of the session is missed.
    pub gap: Option<&'static str>,
    /// What comes after it is still observed.
    pub goes_on: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Instead of the greeting.
    First,
    /// Instead of the login.
    Greeted,
    /// Channels 1 and 2 are open.
    Open,
    /// The same, and frames of any size are agreed upon.
    Unlimited,
}

/// More levels than any recursion survives.
const LEVELS: usize = 5000;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "http",
            When::First,
            client(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
            Some("does not speak AMQP"),
            false,
        ),
        case("tls_hello", When::First, client(tls_hello()), Some("does not speak AMQP"), false),
        case("amqp_1_0", When::First, client(b"AMQP\0\x01\0\0\0\0\0\x10".to_vec()), Some("it speaks AMQP 1.0"), false),
        case("amqp_1_0_sasl", When::First, client(b"AMQP\x03\x01\0\0".to_vec()), Some("it speaks AMQP 1.0"), false),
        case("bomb_before_login", When::Greeted, client(bomb_of_login(LEVELS)), None, true),
        case("large_bomb_before_login", When::Greeted, client(bomb_of_login(20_000)), Some("a frame of"), false),
        case(
            "huge_frame_before_login",
            When::Greeted,
            client(huge_frame()),
            Some("a frame of 4294967295 bytes"),
            false,
        ),
        case("frame_of_5000_before_login", When::Greeted, client(long_login(5000)), None, true),
        case("frame_of_9000_before_login", When::Greeted, client(long_login(9000)), None, true),
        case(
            "content_before_login",
            When::Greeted,
            client(
                [
                    frames::method(1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}))),
                    content(1, b"early"),
                ]
                .concat(),
            ),
            Some("could not be read"),
            true,
        ),
        case("bomb_in_headers", When::Open, client(bomb_in_headers()), Some("headers nested too deep"), true),
        case("huge_frame", When::Open, client(huge_frame()), Some("a frame of 4294967295 bytes"), false),
        case(
            "frame_above_the_agreed",
            When::Open,
            client(raw(3, 2, &[0; 131_073])),
            Some("131064 are the most"),
            false,
        ),
        case(
            "huge_frame_where_any_is_agreed",
            When::Unlimited,
            client(raw(1, 2, &[0; 2 << 20])),
            Some("larger than is read"),
            true,
        ),
        case("unknown_frame_type", When::Open, client(raw(4, 2, b"?")), Some("the unknown type 4"), false),
        case("wrong_end", When::Open, client(wrong_end()), Some("ends with 0x00 instead of 0xce"), false),
        case(
            "wrong_end_from_the_broker",
            When::Open,
            vec![(Side::Broker, wrong_end())],
            Some("from the broker came"),
            false,
        ),
        case("short_method", When::Open, client(raw(1, 2, &[0, 60, 0, 40, 0])), Some("could not be read"), true),
        case(
            "short_deliver",
            When::Open,
            vec![(Side::Broker, raw(1, 2, &[0, 60, 0, 60, 9]))],
            Some("could not be read"),
            true,
        ),
        case("empty_method", When::Open, client(raw(1, 2, &[])), Some("could not be read"), true),
        case("unknown_method", When::Open, client(raw(1, 2, &[0, 99, 0, 99])), None, true),
        case("unknown_channel", When::Open, client(content(77, b"nowhere")), None, true),
        case("body_of_2_63", When::Open, client(long_body(1 << 63)), None, true),
        case("body_of_2_64_less_1", When::Open, client(long_body(u64::MAX)), None, true),
        case("body_longer_than_told", When::Open, client(longer_body()), Some("could not be read"), true),
        case("body_before_header", When::Open, client(body_first()), Some("could not be read"), true),
        case("headers_twice", When::Open, client(header_twice()), Some("could not be read"), true),
        case("short_header", When::Open, client(short_header()), Some("could not be read"), true),
        case(
            "abandoned_publish",
            When::Open,
            client([publish(2), content(2, b"next")].concat()),
            Some("begun and not completed"),
            true,
        ),
        case("unknown_consumer", When::Open, vec![(Side::Broker, deliver(2))], Some("not seen to subscribe"), true),
    ];
    let unknown_tags = [ack(7, false), ack(0, true), ack(u64::MAX, true)].concat();
    cases.push(case(
        "unknown_tags",
        When::Open,
        vec![(Side::Client, unknown_tags.clone()), (Side::Broker, unknown_tags)],
        None,
        true,
    ));
    cases
}

fn case(name: &'static str, when: When, bad: Vec<Sent>, gap: Option<&'static str>, goes_on: bool) -> Case {
    Case { name, when, bad, gap, goes_on }
}

/// What passes before, and what after it shows whether the session is still observed.
pub fn around(when: When) -> (Vec<Sent>, Vec<Sent>) {
    let greeting = (Side::Client, GREETING.to_vec());
    let mut probe = content(1, b"still here");
    match when {
        When::First => (Vec::new(), [login(131_072), client(probe)].concat()),
        When::Greeted => (vec![greeting], [login(131_072), client(probe)].concat()),
        When::Open | When::Unlimited => {
            let frame_max = if when == When::Open { 131_072 } else { 0 };
            let open = channel::AMQPMethod::Open(channel::Open {});
            probe.extend(frames::heartbeat());
            let mut before = vec![greeting];
            before.extend(login(frame_max));
            before.push((Side::Client, frames::method(2, AMQPClass::Channel(open))));
            (before, client(probe))
        }
    }
}

fn client(bytes: Vec<u8>) -> Vec<Sent> {
    vec![(Side::Client, bytes)]
}

/// From `start-ok` to channel 1.
fn login(frame_max: u32) -> Vec<Sent> {
    use connection::AMQPMethod::{Open, OpenOk, StartOk, TuneOk};
    let start_ok = connection::StartOk {
        client_properties: FieldTable::default(),
        mechanism: "PLAIN".into(),
        response: "\0shop\0secret".into(),
        locale: "en_US".into(),
    };
    let tune_ok = connection::TuneOk { channel_max: 2047, frame_max, heartbeat: 60 };
    let of = |method| frames::method(0, AMQPClass::Connection(method));
    let open = of(Open(connection::Open { virtual_host: "/".into() }));
    let channel = frames::method(1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    vec![
        (Side::Client, [of(StartOk(start_ok)), of(TuneOk(tune_ok)), open].concat()),
        (Side::Broker, of(OpenOk(connection::OpenOk {}))),
        (Side::Client, channel),
    ]
}

fn tls_hello() -> Vec<u8> {
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a client's hello".to_vec()
}

/// A table, with its length, of one entry: so many arrays in one another.
pub fn nested(levels: usize) -> Vec<u8> {
    let mut inside = b"\x01x".to_vec();
    for level in (0..levels).rev() {
        inside.push(b'A');
        inside.extend((5 * level as u32).to_be_bytes());
    }
    with_len(inside)
}

fn with_len(bytes: Vec<u8>) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat()
}

fn bomb_of_login(levels: usize) -> Vec<u8> {
    let mut payload = vec![0, 10, 0, 11];
    payload.extend(nested(levels));
    payload.extend(b"\x05PLAIN\0\0\0\x0b\0eve\0secret\x05en_US");
    raw(1, 0, &payload)
}

/// A login with a token for a password.
fn long_login(len: usize) -> Vec<u8> {
    let mut payload = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN".to_vec();
    payload.extend(with_len([b"\0eve\0", &vec![b't'; len][..]].concat()));
    payload.extend(b"\x05en_US");
    raw(1, 0, &payload)
}

fn huge_frame() -> Vec<u8> {
    b"\x01\0\0\xff\xff\xff\xff and what it begins with".to_vec()
}

fn wrong_end() -> Vec<u8> {
    let mut frame = frames::heartbeat();
    frame.pop();
    frame.push(0);
    frame
}

pub fn publish(number: u16) -> Vec<u8> {
    let publish =
        basic::Publish { exchange: "bad".into(), routing_key: "input".into(), mandatory: false, immediate: false };
    frames::method(number, AMQPClass::Basic(basic::AMQPMethod::Publish(publish)))
}

/// A publish as it should be.
pub fn content(number: u16, body: &[u8]) -> Vec<u8> {
    let header = frames::header(number, body.len() as u64, basic::AMQPProperties::default());
    [publish(number), header, frames::body(number, body)].concat()
}

fn deliver(number: u16) -> Vec<u8> {
    let deliver = basic::Deliver {
        consumer_tag: "nobody".into(),
        delivery_tag: 1,
        redelivered: false,
        exchange: "bad".into(),
        routing_key: "input".into(),
    };
    let method = frames::method(number, AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver)));
    [method, frames::header(number, 0, basic::AMQPProperties::default())].concat()
}

fn ack(delivery_tag: u64, multiple: bool) -> Vec<u8> {
    frames::method(2, AMQPClass::Basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple })))
}

fn bomb_in_headers() -> Vec<u8> {
    let mut header = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0];
    header.extend(nested(LEVELS));
    [publish(2), raw(2, 2, &header), frames::body(2, b"!")].concat()
}

/// The length is a claim; a little of the body comes.
pub fn long_body(claimed: u64) -> Vec<u8> {
    let header = frames::header(2, claimed, basic::AMQPProperties::default());
    [publish(2), header, frames::body(2, &[7; 1000])].concat()
}

fn longer_body() -> Vec<u8> {
    let header = frames::header(2, 3, basic::AMQPProperties::default());
    [publish(2), header, frames::body(2, b"four")].concat()
}

fn body_first() -> Vec<u8> {
    [publish(2), frames::body(2, b"?")].concat()
}

fn header_twice() -> Vec<u8> {
    let header = frames::header(2, 3, basic::AMQPProperties::default());
    [publish(2), header.clone(), header].concat()
}

/// All properties are said to be there, and none is.
fn short_header() -> Vec<u8> {
    [publish(2), raw(2, 2, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xf8])].concat()
}
