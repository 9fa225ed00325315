//! What both sides of a session say until its channel is open.

use crate::frames::{METHOD, Writer};
use hoptrail::model::Side;

/// The bytes in their order, for a client of this name.
pub fn login(name: &str, channel: u16) -> Vec<(Side, Vec<u8>)> {
    let client = |writer: Writer, channel: u16| (Side::Client, writer.frame(METHOD, channel));
    let broker = |writer: Writer, channel: u16| (Side::Broker, writer.frame(METHOD, channel));
    let start = Writer::method((10, 11)).table(&[("connection_name", name)]).text("PLAIN");
    vec![
        (Side::Client, b"AMQP\x00\x00\x09\x01".to_vec()),
        client(start.long_text(b"\0guest\0guest").text("en_US"), 0),
        broker(Writer::method((10, 30)).short(2047).long(131_072).short(60), 0),
        client(Writer::method((10, 31)).short(2047).long(131_072).short(60), 0),
        client(Writer::method((10, 40)).text("/").text("").octet(0), 0),
        broker(Writer::method((10, 41)).text(""), 0),
        client(Writer::method((20, 10)).text(""), channel),
        broker(Writer::method((20, 11)).long_text(b""), channel),
    ]
}
