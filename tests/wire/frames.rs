//! Frames as bytes. Methods and content headers are written by another encoder than what the observer reads with.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::AMQPProperties;

/// Bytes of a frame besides its payload.
pub const ENVELOPE: usize = 8;
/// What a client says first.
pub const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";

pub fn method(channel: u16, class: AMQPClass) -> Vec<u8> {
    encode(&AMQPFrame::Method(channel, class))
}

pub fn header(channel: u16, body_size: u64, properties: AMQPProperties) -> Vec<u8> {
    encode(&AMQPFrame::Header(channel, AMQPContentHeader { class_id: 60, body_size, properties }))
}

pub fn body(channel: u16, bytes: &[u8]) -> Vec<u8> {
    raw(3, channel, bytes)
}

pub fn heartbeat() -> Vec<u8> {
    raw(8, 0, &[])
}

/// A frame of any type around any payload.
pub fn raw(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).expect("a payload that fits").to_be_bytes());
    frame.extend(payload);
    frame.push(0xce);
    frame
}

fn encode(frame: &AMQPFrame) -> Vec<u8> {
    let written = gen_frame(frame)(WriteContext::from(Vec::new())).expect("memory takes everything");
    written.into_inner().0
}
