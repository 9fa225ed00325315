//! The digest of a whole body, and the fingerprint that joins the observations of a message.

use crate::model::{Event, Fingerprint};

use super::masker::Masker;

/// What the fields of a fingerprint take, mostly.
const FIELDS_BYTES: usize = 512;

impl Masker {
    /// Fills in the body's digest and the event's fingerprint. The body must be whole and unmasked.
    pub fn identify(&self, event: &mut Event) {
        let Some(body) = &mut event.body else { return };
        body.digest = self.keys.body(&body.data);
        let digest = body.digest;
        event.fingerprint = Some(self.fingerprint_with(event, digest));
    }

    /// A keyed digest of a whole body.
    #[must_use]
    pub fn digest(&self, body: &[u8]) -> [u8; 16] {
        self.keys.body(body)
    }

    /// A keyed digest over the body and the properties that the broker leaves alone: no headers (dead-lettering and
    /// the firehose change them), no expiration (dead-lettering removes it). `None` without a body. The body must be
    /// whole and unmasked.
    #[must_use]
    pub fn fingerprint(&self, event: &Event) -> Option<Fingerprint> {
        let body = event.body.as_ref()?;
        Some(self.fingerprint_with(event, self.keys.body(&body.data)))
    }

    fn fingerprint_with(&self, event: &Event, body: [u8; 16]) -> Fingerprint {
        let properties = &event.properties;
        // The firehose cuts integers to 32 bits.
        let timestamp = properties.timestamp.map(|seconds| ((seconds & 0xffff_ffff) as u32).to_le_bytes());
        let content_type = event.body.as_ref().and_then(|body| body.content_type.as_deref());
        let fields: [Option<&[u8]>; 12] = [
            Some(&body),
            content_type.map(str::as_bytes),
            properties.content_encoding.as_deref().map(str::as_bytes),
            properties.delivery_mode.as_ref().map(std::slice::from_ref),
            properties.priority.as_ref().map(std::slice::from_ref),
            event.correlation_id.as_deref().map(str::as_bytes),
            event.reply_to.as_deref().map(str::as_bytes),
            event.message_id.as_deref().map(str::as_bytes),
            timestamp.as_ref().map(<[u8; 4]>::as_slice),
            event.type_.as_deref().map(str::as_bytes),
            properties.user_id.as_deref().map(str::as_bytes),
            event.app_id.as_deref().map(str::as_bytes),
        ];
        // Hashed at one go, which is several times as fast as field by field.
        let mut bytes = Vec::with_capacity(FIELDS_BYTES);
        for field in fields {
            // The length first, and none apart from empty, so that no two lists of fields look alike.
            let len = field.map_or(0, |bytes| bytes.len() as u64 + 1);
            bytes.extend_from_slice(&len.to_le_bytes());
            bytes.extend_from_slice(field.unwrap_or_default());
        }
        self.keys.fingerprint(&bytes)
    }
}

/// Cuts the body to at most `bytes_max`, at the border of a character where it is text. Only after masking.
pub fn cut(event: &mut Event, bytes_max: usize) {
    let Some(body) = &mut event.body else { return };
    if body.data.len() <= bytes_max {
        return;
    }
    let border = std::str::from_utf8(&body.data).map_or(bytes_max, |text| text.floor_char_boundary(bytes_max));
    body.data.truncate(border);
    body.data.shrink_to_fit();
    body.truncated = true;
}
