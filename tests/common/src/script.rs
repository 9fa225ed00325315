//! What passed in a session, as bytes that a fuzzer can change.
//!
//! A step is one byte that says what follows: 0 to 99 the client's bytes and 100 to 199 the broker's, after a length of
//! one byte; 200 to 219 and 220 to 239 the same after a length of two bytes; 240 to 249 time that goes by, in
//! milliseconds of two bytes; from 250 on bytes that were lost, their number in two bytes. The last may be cut short.

/// Who sent bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The client.
    Client,
    /// The broker.
    Broker,
}

/// A step of a script.
pub enum Step<'a> {
    /// Bytes that one of them has sent.
    Sent(Sender, &'a [u8]),
    /// So many bytes were lost.
    Lost(u64),
    /// So many microseconds go by.
    Later(u32),
}

/// Takes the bytes as a script.
pub fn read(mut script: &[u8], mut each: impl FnMut(Step<'_>)) {
    while let Some((&kind, rest)) = script.split_first() {
        let long = kind >= 200;
        let (number, rest) = match (long, rest) {
            (false, [len, rest @ ..]) => (usize::from(*len), rest),
            (true, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return,
        };
        script = rest;
        let step = match kind {
            240..=249 => Step::Later(number as u32 * 1000),
            250.. => Step::Lost(number as u64),
            _ => {
                let (bytes, rest) = rest.split_at(number.min(rest.len()));
                script = rest;
                let client = kind < 100 || (200..220).contains(&kind);
                Step::Sent(if client { Sender::Client } else { Sender::Broker }, bytes)
            }
        };
        each(step);
    }
}

/// Writes the bytes of one sender as steps of a script.
pub fn write(script: &mut Vec<u8>, sender: Sender, bytes: &[u8]) {
    let client = sender == Sender::Client;
    for bytes in bytes.chunks(usize::from(u16::MAX)) {
        match u8::try_from(bytes.len()) {
            Ok(len) => script.extend([if client { 0 } else { 100 }, len]),
            Err(_) => {
                script.push(if client { 200 } else { 220 });
                script.extend((bytes.len() as u16).to_be_bytes());
            }
        }
        script.extend_from_slice(bytes);
    }
}
