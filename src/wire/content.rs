//! Puts a content together: a method, a content header, and bodies until their length is reached (AMQP 0-9-1, section
//! 4.2.6). One content may be under way on each channel in each direction.

use super::basic;
use super::bytes::Malformed;
use super::holes::Why;
use super::limits::UNFINISHED_BYTES;
use super::method::ContentHeader;
use super::scene::Scene;
use crate::model::{Body, Event, Timestamp, Value, weight};

// The 256 bytes are for the texts that the content owns.
const _: () = assert!(size_of::<Unfinished>() + 256 <= UNFINISHED_BYTES);

/// The purpose of a content, besides its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Publish,
    /// From `basic.deliver` and `basic.get-ok`.
    Deliver {
        no_ack: bool,
    },
    Return,
}

/// A content that has begun.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) event: Event,
    pub(super) purpose: Purpose,
    /// Bytes of the body to come; `None` before the header.
    left: Option<u64>,
    /// The most bytes of the body that are kept.
    keep: usize,
    /// Bytes of the session that it takes while it is not complete.
    pub(super) counted: usize,
}

impl Unfinished {
    pub(super) fn new(event: Event, purpose: Purpose) -> Self {
        Unfinished { event, purpose, left: None, keep: 0, counted: 0 }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left == Some(0)
    }

    /// A content header. `Err`: it cannot be read, or is not expected now.
    pub(super) fn header(&mut self, payload: &[u8], scene: &mut Scene) -> Result<(), Malformed> {
        if self.left.is_some() {
            return Err(Malformed);
        }
        let header = ContentHeader::read(payload)?;
        let content = basic::apply(&mut self.event, header.properties, &mut scene.names)?;
        let channel = self.event.session.as_ref().and_then(|session| session.channel).unwrap_or_default();
        if content.too_deep {
            scene.holes.note(channel, Why::Headers, self.event.at);
        }
        let room = if scene.limits.room.is_left() { scene.limits.bytes_max.saturating_sub(scene.bytes) } else { 0 };
        let headers = weight(&self.event.headers);
        if headers > room {
            self.event.headers = Vec::new();
            scene.holes.note(channel, Why::Headers, self.event.at);
        } else if header.body_len > 0 {
            self.count(headers, scene);
        }
        copies(&mut self.event);
        let wanted = usize::try_from(header.body_len).unwrap_or(usize::MAX).min(scene.limits.body_bytes_max);
        self.keep = wanted.min(room);
        if self.keep < wanted {
            scene.holes.note(channel, Why::Body, self.event.at);
        }
        // The header only claims a length. Memory is taken as bytes arrive.
        let body = Body { len: header.body_len, content_type: content.content_type, ..Body::default() };
        self.event.body = Some(body);
        self.left = Some(header.body_len);
        Ok(())
    }

    /// A part of the body; `to_come` is the number of bytes left in its frame. `Err`: the frame exceeds the header's
    /// length, or comes before the header.
    pub(super) fn body(
        &mut self,
        bytes: &[u8],
        to_come: u32,
        at: Timestamp,
        scene: &mut Scene,
    ) -> Result<(), Malformed> {
        let left = self.left.ok_or(Malformed)?.checked_sub(bytes.len() as u64).ok_or(Malformed)?;
        if left < u64::from(to_come) {
            return Err(Malformed);
        }
        self.left = Some(left);
        let body = self.event.body.as_mut().ok_or(Malformed)?;
        let room = self.keep.saturating_sub(body.data.len()).min(bytes.len());
        body.data.extend_from_slice(bytes.get(..room).unwrap_or_default());
        body.truncated |= room < bytes.len();
        // Most messages are complete at once. They never count.
        if left > 0 {
            self.count(room, scene);
        } else {
            scene.bytes -= std::mem::take(&mut self.counted);
        }
        // The event happens when the content is complete.
        self.event.at = at;
        Ok(())
    }
}

impl Unfinished {
    fn count(&mut self, bytes: usize, scene: &mut Scene) {
        self.counted += bytes;
        scene.bytes += bytes;
    }
}

/// RabbitMQ's sender-selected routing keys: the headers CC and BCC.
fn copies(event: &mut Event) {
    let mut copies = Vec::new();
    for name in ["CC", "BCC"] {
        if let Some(Value::List(keys)) = event.header(name) {
            copies.extend(keys.iter().filter_map(Value::as_text).cloned());
        }
    }
    if !copies.is_empty() {
        event.routing_keys = event.routing_key.iter().cloned().chain(copies).collect();
    }
}
