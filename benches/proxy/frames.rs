//! AMQP frames: how requests are written, and how what the broker sends is cut into frames, with as little work as can be.
//! Knows no meaning of methods beyond their numbers.

use std::io::{self, Read};
use std::net::TcpStream;

pub const METHOD: u8 = 1;
pub const HEADER: u8 = 2;
pub const BODY: u8 = 3;
pub const HEARTBEAT: u8 = 8;

/// Class and method.
pub type Method = (u16, u16);

/// Larger than any frame that is agreed on, so that one read takes many small frames and always room for a whole one.
const INBOX_BYTES: usize = 512 * 1024;
/// Type, channel and length.
const HEAD: usize = 7;
const END: u8 = 0xCE;

/// One frame.
pub struct Frame<'a> {
    pub kind: u8,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The method, if the frame is one.
    pub fn method(&self) -> Option<Method> {
        (self.kind == METHOD).then(|| (short(self.payload, 0), short(self.payload, 2)))
    }
}

/// Bytes that came and are not taken yet.
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox { bytes: vec![0; INBOX_BYTES], start: 0, end: 0 }
    }

    /// Waits for bytes.
    pub fn read(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match stream.read(&mut self.bytes[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    /// The next whole frame.
    pub fn next(&mut self) -> Option<Frame<'_>> {
        let bytes = &self.bytes[self.start..self.end];
        if bytes.len() < HEAD {
            return None;
        }
        let length = u32::from_be_bytes(bytes[3..HEAD].try_into().unwrap()) as usize;
        let end = HEAD + length;
        if bytes.len() <= end {
            return None;
        }
        assert_eq!(bytes[end], END, "the broker's bytes are out of step");
        self.start += end + 1;
        Some(Frame { kind: bytes[0], payload: &bytes[HEAD..end] })
    }
}

/// The 16 bits at a place.
pub fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap())
}

/// The 64 bits at a place.
pub fn longlong(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A payload being written.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn method((class, method): Method) -> Writer {
        Writer(Vec::new()).short(class).short(method)
    }

    pub fn octet(mut self, value: u8) -> Writer {
        self.0.push(value);
        self
    }

    pub fn short(mut self, value: u16) -> Writer {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn long(mut self, value: u32) -> Writer {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn longlong(mut self, value: u64) -> Writer {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn text(mut self, text: &str) -> Writer {
        self.0.push(u8::try_from(text.len()).unwrap());
        self.0.extend(text.as_bytes());
        self
    }

    pub fn long_text(self, text: &[u8]) -> Writer {
        let mut writer = self.long(u32::try_from(text.len()).unwrap());
        writer.0.extend(text);
        writer
    }

    /// A table of texts.
    pub fn table(self, entries: &[(&str, &str)]) -> Writer {
        let fields = entries.iter().fold(Writer(Vec::new()), |fields, (name, value)| {
            fields.text(name).octet(b'S').long_text(value.as_bytes())
        });
        self.long_text(&fields.0)
    }

    pub fn frame(self, kind: u8, channel: u16) -> Vec<u8> {
        frame(kind, channel, &self.0)
    }
}

pub fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(END);
    frame
}
