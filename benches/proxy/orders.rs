//! Publishes as bytes, prepared once: JSON orders of an exact size, with a message id and a content type. For each message
//! only digits are written over: its number in the message id, its order's number and the time in the body.

use std::ops::Range;

use crate::body::{STATUSES, body};
use crate::client::{CHANNEL, Client};
use crate::frames::{BODY, HEADER, METHOD, Method, Writer, frame};

pub const EXCHANGE: &str = "bench.orders";
const PUBLISH: Method = (60, 40);
const CONTENT_TYPE: &str = "application/json";
/// Bytes of prepared messages of one publisher: they should stay in a processor's cache, and yet differ.
const PREPARED_BYTES: usize = 128 * 1024;
/// Digits of a message's number, of an order's number, and of a time in microseconds.
const DIGITS: usize = 10;
/// Times count from here, as a number in JSON has no zeros in front; 2.5 hours on they would need more digits.
pub const TIME_ZERO: u64 = 1_000_000_000;

/// In a header frame's payload: class, weight, size, flags, content type, and the text before the number.
const NUMBER_IN_HEADER: usize = 2 + 2 + 8 + 2 + 1 + CONTENT_TYPE.len() + 1 + "order-".len();
const TIME_IN_BODY: usize = r#"{"at":"#.len();
const ORDER_IN_BODY: usize = TIME_IN_BODY + DIGITS + r#","orderId":"JW-"#.len();

/// The number in a header frame.
pub fn number(header: &[u8]) -> u64 {
    digits(header, NUMBER_IN_HEADER)
}

/// The time in a body frame.
pub fn time(body: &[u8]) -> u64 {
    digits(body, TIME_IN_BODY)
}

fn digits(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + DIGITS].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn write_digits(bytes: &mut [u8], mut number: u64) {
    for digit in bytes.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap();
        number /= 10;
    }
}

/// Prepared publishes of one publisher.
pub struct Orders {
    bytes: Vec<u8>,
    /// Bytes of one message's frames, and where in them its number, time and order stand.
    each: usize,
    marks: [usize; 3],
    count: usize,
}

impl Orders {
    pub fn new(routing_key: &str, body_bytes: usize) -> Orders {
        let publish = Writer::method(PUBLISH).short(0).text(EXCHANGE).text(routing_key).octet(0);
        let publish = publish.frame(METHOD, CHANNEL);
        // Content type and message id.
        let header = Writer::method((60, 0)).longlong(body_bytes as u64).short(1 << 15 | 1 << 7);
        let header = header.text(CONTENT_TYPE).text("order-0000000000").frame(HEADER, CHANNEL);
        let bodies = publish.len() + header.len();
        // All statuses the same number of times.
        let count = (PREPARED_BYTES / (bodies + body_bytes)).clamp(8, 256) / 8 * 8;
        let mut bytes = Vec::new();
        for index in 0..count {
            bytes.extend(&publish);
            bytes.extend(&header);
            bytes.extend(frame(BODY, CHANNEL, body(index, body_bytes).as_bytes()));
        }
        let in_body = |place: usize| bodies + 7 + place;
        let marks = [publish.len() + 7 + NUMBER_IN_HEADER, in_body(TIME_IN_BODY), in_body(ORDER_IN_BODY)];
        Orders { each: bytes.len() / count, bytes, marks, count }
    }

    /// How many may be sent at a time.
    pub fn count(&self) -> u64 {
        self.count as u64
    }

    /// Sends the messages of these numbers, at least one and no more than `count`.
    pub fn send(&mut self, client: &mut Client, numbers: Range<u64>, time: u64) {
        let first = usize::try_from(numbers.start % self.count()).unwrap();
        let mut at = first;
        for number in numbers {
            if at == self.count {
                client.send(&self.bytes[first * self.each..]);
                at = 0;
            }
            let message = &mut self.bytes[at * self.each..][..self.each];
            for (mark, value) in self.marks.into_iter().zip([number, time, number / STATUSES.len() as u64]) {
                write_digits(&mut message[mark..mark + DIGITS], value);
            }
            at += 1;
        }
        let from = if at > first { first } else { 0 };
        client.send(&self.bytes[from * self.each..at * self.each]);
    }
}
