//! Frames that are well formed, whatever stands in them.

use hoptrail::model::Side;
use hoptrail_tests::METHODS;

/// From the greeting to an open channel 1, as RabbitMQ and a client do it.
pub fn login(send: &mut impl FnMut(Side, &[u8])) {
    let start_ok = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0secret\x05en_US";
    send(Side::Client, b"AMQP\0\0\x09\x01");
    send(Side::Client, &frame(1, 0, start_ok));
    send(Side::Client, &frame(1, 0, &[0, 10, 0, 31, 7, 255, 0, 2, 0, 0, 0, 60]));
    send(Side::Client, &frame(1, 0, &[0, 10, 0, 40, 1, b'/', 0, 0]));
    send(Side::Broker, &frame(1, 0, &[0, 10, 0, 41, 0]));
    for channel in 1..4 {
        send(Side::Client, &frame(1, channel, &[0, 20, 0, 10, 0]));
    }
}

/// A publish with these bytes as its table of headers.
pub fn publish(table: &[u8]) -> [Vec<u8>; 3] {
    let mut header = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    header.extend((1u16 << 13).to_be_bytes());
    header.extend(u32::try_from(table.len()).unwrap_or_default().to_be_bytes());
    header.extend_from_slice(table);
    [frame(1, 1, &[0, 60, 0, 40, 0, 0, 1, b'x', 1, b'k', 0]), frame(2, 1, &header), frame(3, 1, b"b")]
}

/// Takes the bytes as a list of frames: what kind, on which of a few channels from which side, how long, and what is in
/// it.
pub fn read(mut script: &[u8], mut each: impl FnMut(Side, &[u8])) {
    while let [kind, place, len, rest @ ..] = script {
        let side = if place & 1 == 0 { Side::Client } else { Side::Broker };
        let channel = u16::from((place >> 1) % 4);
        let (inside, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        script = rest;
        let payload = match kind {
            0..200 => {
                let (class, method) = METHODS[usize::from(*kind) % METHODS.len()];
                [&[0, class, 0, method], inside].concat()
            }
            // The length of the body is in one byte; in eight where the first is 255.
            200..225 => match inside.split_first() {
                Some((255, inside)) => [&[0, 60, 0, 0], inside].concat(),
                Some((len, inside)) => [&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, *len], inside].concat(),
                None => Vec::new(),
            },
            _ => inside.to_vec(),
        };
        let kind = match kind {
            0..200 => 1,
            200..225 => 2,
            225..250 => 3,
            _ => 8,
        };
        each(side, &frame(kind, channel, &payload));
    }
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap_or_default().to_be_bytes());
    frame.extend_from_slice(payload);
    frame.push(0xce);
    frame
}
