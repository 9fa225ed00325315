//! Splits the bytes of one direction into frames (AMQP 0-9-1, section 4.2.3), wherever the network cut them.
//!
//! Methods and content headers come whole. Those that arrived in one piece borrow the bytes in which they arrived.
//! Bodies come in the pieces in which they arrived: no bytes of them are kept here.

use std::mem;

/// Bytes of a frame besides its payload: type, channel, size, and the end mark.
const ENVELOPE: usize = 8;
const HEAD: usize = ENVELOPE - 1;
const END_MARK: u8 = 0xce;

/// The most bytes of a method or header that is put together. Brokers agree on frames of 128 KiB by default.
pub(super) const WHOLE_MAX: usize = 1 << 20;

/// The same bound when memory is short: enough for all methods and headers except those with large tables.
pub(super) const WHOLE_MAX_WHEN_SHORT: usize = 8 << 10;

/// A piece of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A method.
    Method { channel: u16, payload: &'a [u8] },
    /// A content header.
    Header { channel: u16, payload: &'a [u8] },
    /// A part of a content's body; `to_come` is the number of bytes left in its frame.
    Body { channel: u16, bytes: &'a [u8], to_come: u32 },
    /// A method or header that is passed over: larger than [`WHOLE_MAX`], or than memory allows.
    TooLarge { channel: u16, bytes: u32 },
    /// A sign of life.
    Heartbeat,
}

/// The bytes are no frames: the start of the next frame is unknown from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// The type of the frame does not exist.
    #[error("a frame of the unknown type {0}")]
    Type(u8),
    /// The frame is larger than agreed.
    #[error("a frame of {payload} bytes, where {max} are the most")]
    Size {
        /// The size in the frame's head.
        payload: u32,
        /// The agreed bound.
        max: u32,
    },
    /// The end mark is missing.
    #[error("a frame that ends with {0:#04x} instead of 0xce")]
    End(u8),
}

/// The position of one direction within its frames.
#[derive(Debug)]
pub(super) struct Splitter {
    /// The largest payload.
    payload_max: u32,
    /// The largest method or header that is put together from several pieces.
    partial_max: usize,
    state: State,
    /// A head, method or header that has not arrived in full.
    partial: Vec<u8>,
    /// `partial` was given out, and must be emptied.
    given: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the beginning of a frame, or within its head.
    Head,
    /// Within a method or header that is put together.
    Whole(Head),
    /// Within a body with `left` bytes to come.
    Body { channel: u16, left: u32 },
    /// Within a frame that is passed over.
    Skip { left: u32 },
    /// Before the end mark.
    End,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    kind: u8,
    channel: u16,
    payload: u32,
}

impl Splitter {
    /// `frame_max` as for [`Self::set_frame_max`].
    pub(super) fn new(frame_max: u32) -> Self {
        let mut splitter =
            Splitter { payload_max: 0, partial_max: WHOLE_MAX, state: State::Head, partial: Vec::new(), given: false };
        splitter.set_frame_max(frame_max);
        splitter
    }

    /// Sets the largest frame from now on, its envelope included; 0 means any size.
    pub(super) fn set_frame_max(&mut self, frame_max: u32) {
        self.payload_max = if frame_max == 0 { u32::MAX } else { frame_max.saturating_sub(ENVELOPE as u32) };
    }

    /// Sets whether memory is short. Then a large method or header in several pieces is passed over.
    pub(super) fn set_short(&mut self, is_short: bool) {
        self.partial_max = if is_short { WHOLE_MAX_WHEN_SHORT } else { WHOLE_MAX };
    }

    /// Bytes that the splitter keeps.
    pub(super) fn taken(&self) -> usize {
        self.partial.capacity()
    }

    /// The next piece of `input`; `input` moves past it. `None`: more bytes are needed.
    pub(super) fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Result<Piece<'a>, Broken>> {
        if mem::take(&mut self.given) {
            self.partial.clear();
            // A large buffer is rare; idle sessions should not keep its memory.
            self.partial.shrink_to(4096);
        }
        loop {
            match self.state {
                State::Head => match self.head(input)? {
                    Ok(head) => {
                        if let Some(piece) = self.begin(head, input) {
                            return Some(Ok(piece));
                        }
                    }
                    Err(broken) => return Some(Err(broken)),
                },
                State::Whole(head) => {
                    let missing = head.payload as usize - self.partial.len();
                    let (some, rest) = input.split_at(missing.min(input.len()));
                    self.partial.extend_from_slice(some);
                    *input = rest;
                    if some.len() < missing {
                        return None;
                    }
                    (self.state, self.given) = (State::End, true);
                    return Some(Ok(head.piece(&self.partial)));
                }
                State::Body { left: 0, .. } | State::Skip { left: 0 } => self.state = State::End,
                State::Body { channel, left } => {
                    let (bytes, left) = take(input, left)?;
                    self.state = State::Body { channel, left };
                    return Some(Ok(Piece::Body { channel, bytes, to_come: left }));
                }
                State::Skip { left } => {
                    let (_, left) = take(input, left)?;
                    self.state = State::Skip { left };
                }
                State::End => {
                    let (mark, rest) = input.split_first()?;
                    if *mark != END_MARK {
                        return Some(Err(Broken::End(*mark)));
                    }
                    *input = rest;
                    self.state = State::Head;
                }
            }
        }
    }

    /// A whole head, straight from the input if it is in one piece there.
    fn head(&mut self, input: &mut &[u8]) -> Option<Result<Head, Broken>> {
        let bytes: [u8; HEAD];
        if let (true, Some((whole, rest))) = (self.partial.is_empty(), input.split_first_chunk()) {
            bytes = *whole;
            *input = rest;
        } else {
            let (some, rest) = input.split_at((HEAD - self.partial.len()).min(input.len()));
            self.partial.extend_from_slice(some);
            *input = rest;
            bytes = *self.partial.first_chunk()?;
            self.partial.clear();
        }
        let [kind, c0, c1, s0, s1, s2, s3] = bytes;
        let head = Head { kind, channel: u16::from_be_bytes([c0, c1]), payload: u32::from_be_bytes([s0, s1, s2, s3]) };
        Some(head.check(self.payload_max))
    }

    /// Begins a frame; returns the piece that it gives at once.
    fn begin<'a>(&mut self, head: Head, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        let Head { kind, channel, payload: left } = head;
        match kind {
            kind::BODY => self.state = State::Body { channel, left },
            kind::HEARTBEAT => {
                self.state = State::Skip { left };
                return Some(Piece::Heartbeat);
            }
            _ if left as usize > WHOLE_MAX => {
                self.state = State::Skip { left };
                return Some(Piece::TooLarge { channel, bytes: left });
            }
            _ => match input.split_at_checked(left as usize) {
                Some((payload, rest)) => {
                    *input = rest;
                    self.state = State::End;
                    return Some(head.piece(payload));
                }
                None if left as usize > self.partial_max => {
                    self.state = State::Skip { left };
                    return Some(Piece::TooLarge { channel, bytes: left });
                }
                None => self.state = State::Whole(head),
            },
        }
        None
    }
}

/// Some of the next `left` bytes, and the number left after them. `None`: the input is empty.
fn take<'a>(input: &mut &'a [u8], left: u32) -> Option<(&'a [u8], u32)> {
    if input.is_empty() {
        return None;
    }
    let (some, rest) = input.split_at((left as usize).min(input.len()));
    *input = rest;
    Some((some, left - some.len() as u32))
}

mod kind {
    pub(super) const METHOD: u8 = 1;
    pub(super) const HEADER: u8 = 2;
    pub(super) const BODY: u8 = 3;
    pub(super) const HEARTBEAT: u8 = 8;
}

impl Head {
    fn check(self, max: u32) -> Result<Head, Broken> {
        match self.kind {
            kind::METHOD | kind::HEADER | kind::BODY | kind::HEARTBEAT if self.payload <= max => Ok(self),
            kind::METHOD | kind::HEADER | kind::BODY | kind::HEARTBEAT => {
                Err(Broken::Size { payload: self.payload, max })
            }
            other => Err(Broken::Type(other)),
        }
    }

    fn piece(self, payload: &[u8]) -> Piece<'_> {
        let channel = self.channel;
        if self.kind == kind::METHOD { Piece::Method { channel, payload } } else { Piece::Header { channel, payload } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(channel.to_be_bytes());
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
        bytes.push(END_MARK);
        bytes
    }

    /// Type, channel and payload of every frame; the pieces of a body joined.
    fn split(chunks: &[&[u8]], frame_max: u32) -> Result<Vec<(u8, u16, Vec<u8>)>, Broken> {
        let mut splitter = Splitter::new(frame_max);
        let mut frames: Vec<(u8, u16, Vec<u8>)> = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(piece) = splitter.next(&mut input) {
                match piece? {
                    Piece::Method { channel, payload } => frames.push((1, channel, payload.to_vec())),
                    Piece::Header { channel, payload } => frames.push((2, channel, payload.to_vec())),
                    Piece::Heartbeat => frames.push((8, 0, Vec::new())),
                    Piece::TooLarge { channel, bytes } => frames.push((0, channel, bytes.to_be_bytes().to_vec())),
                    Piece::Body { channel, bytes, .. } => match frames.last_mut() {
                        Some((3, same, body)) if *same == channel => body.extend(bytes),
                        _ => frames.push((3, channel, bytes.to_vec())),
                    },
                }
            }
        }
        Ok(frames)
    }

    proptest! {
        #[test]
        fn frames_are_found_wherever_the_bytes_are_cut(
            frames in prop::collection::vec((1u8..=2, any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)), 1..8),
            body in prop::collection::vec(any::<u8>(), 1..100),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut expected = frames;
            expected.push((3, 7, body));
            expected.push((8, 0, Vec::new()));
            expected.push((1, 7, vec![1]));
            let bytes: Vec<u8> = expected.iter().flat_map(|(kind, channel, payload)| frame(*kind, *channel, payload)).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            prop_assert_eq!(split(&chunks, 0), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_frame_is_told() {
        let mut no_end = frame(1, 0, &[1, 2]);
        no_end[9] = 0;
        assert_eq!(split(&[&no_end], 0), Err(Broken::End(0)));
        assert_eq!(split(&[&frame(4, 0, &[])], 0), Err(Broken::Type(4)));
        assert_eq!(split(&[&frame(1, 0, &[0; 5])], 12), Err(Broken::Size { payload: 5, max: 4 }));
        assert_eq!(split(&[&frame(1, 0, &[0; 4])], 12).map(|frames| frames.len()), Ok(1));
        let huge = [1, 0, 0, 255, 255, 255, 255];
        assert_eq!(split(&[&huge], 4096), Err(Broken::Size { payload: u32::MAX, max: 4088 }));
    }

    #[test]
    fn a_method_too_large_to_be_put_together_is_passed_over() {
        let large = frame(1, 3, &vec![0; WHOLE_MAX + 1]);
        let frames = split(&[&large[..5], &large[5..], &frame(1, 3, &[9])], 0).expect("frames");
        assert_eq!(frames, [(0, 3, (WHOLE_MAX as u32 + 1).to_be_bytes().to_vec()), (1, 3, vec![9])]);
    }
}
