//! The memory that a session may take.

use super::conversation::Conversation;
use super::*;
use crate::wire::{Limits, Room};

/// A channel, and whether it is followed: a publish on it is told.
fn is_followed(talk: &mut Conversation, number: u16) -> bool {
    talk.client(number, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    let before = talk.events.len();
    let method = basic::AMQPMethod::Publish(basic::Publish::default());
    talk.client_content(number, AMQPClass::Basic(method), AMQPProperties::default(), b"x");
    talk.events.iter().skip(before).any(|event| event.kind == Kind::Publish)
}

#[test]
fn nobody_has_a_channel_before_the_broker_has_let_them_in() {
    let mut talk = Conversation::new();
    talk.bytes(Side::Client, b"AMQP\0\0\x09\x01");
    assert!(!is_followed(&mut talk, 1));
    assert_eq!(talk.observer.figures().channels, 0);
    talk.broker(0, AMQPClass::Connection(connection::AMQPMethod::OpenOk(connection::OpenOk {})));
    assert!(is_followed(&mut talk, 1));
}

#[test]
fn channels_past_the_bound_are_counted_into_a_gap() {
    let mut talk = Conversation::logged_in("shop");
    talk.limit(|limits| limits.channels_max = 2);
    assert!(is_followed(&mut talk, 2) && !is_followed(&mut talk, 3) && is_followed(&mut talk, 2));
    talk.end();
    let text = "on channel 3, 1 channels were opened and are not followed: there are more than can be";
    assert!(talk.told().iter().any(|told| told.ends_with(text)), "{:?}", talk.told());
}

#[test]
fn where_all_sessions_together_have_taken_what_there_is_no_more_is_remembered() {
    let room = Room::new(100_000);
    let mut talk = Conversation::logged_in("crm");
    talk.limit(|limits| limits.room = room.clone());
    consume(&mut talk);
    assert!(room.is_left());
    // Another session has taken the room.
    room.account(0, 100_000);
    assert!(!is_followed(&mut talk, 2));
    let get = basic::Get { queue: "q".into(), no_ack: false };
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Get(get)));
    talk.broker(1, AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {})));
    // Small methods are still put together; large ones are passed over.
    let ack = [&[1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80][..], &[0; 8], &[1, 0xce]].concat();
    ack.chunks(1).for_each(|byte| talk.bytes(Side::Client, byte));
    let large = [&[1, 0, 1, 0, 0, 0x80, 0][..], &[0; 0x8000], &[0xce]].concat();
    large.chunks(1000).for_each(|bytes| talk.bytes(Side::Client, bytes));
    publish(&mut talk, "m-1", b"x");
    room.account(100_000, 0);
    assert!(room.is_left() && is_followed(&mut talk, 2));
    talk.end();
    let told = talk.told().join("\n");
    for text in
        ["publish m-1", "1 channels were opened", "1 consumers or requests", "1 methods or headers were passed over"]
    {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!told.contains("could not be read"), "{told}");
}

#[test]
fn what_a_session_has_taken_is_given_back_at_its_end() {
    let room = Room::new(400);
    let mut talk = Conversation::within(Limits { room: room.clone(), ..Limits::default() });
    talk.bytes(Side::Client, b"AMQP\0\0\x09\x01");
    talk.broker(0, AMQPClass::Connection(connection::AMQPMethod::OpenOk(connection::OpenOk {})));
    assert!(room.is_left());
    talk.client(1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    assert!(!room.is_left(), "a channel takes more");
    talk.end();
    assert!(room.is_left());
    drop(talk);
    assert!(room.is_left());
}

#[test]
fn the_reason_that_is_shown_is_the_newest() {
    let mut talk = Conversation::logged_in("crm");
    talk.limit(|limits| (limits.consumers_max, limits.unsettled_max) = (0, 0));
    let shown = |talk: &Conversation| talk.observer.figures().gap.unwrap_or_default().to_string();
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Get(basic::Get { queue: "q".into(), no_ack: false })));
    assert!(shown(&talk).starts_with("consumers or requests"), "{}", shown(&talk));
    deliver(&mut talk, 1, "m-1");
    assert!(shown(&talk).starts_with("deliveries are not followed"), "{}", shown(&talk));
    talk.client(1, AMQPClass::Basic(basic::AMQPMethod::Get(basic::Get { queue: "q".into(), no_ack: false })));
    assert!(shown(&talk).starts_with("consumers or requests"), "{}", shown(&talk));
}
