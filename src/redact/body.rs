//! Bodies of every kind: JSON, text, anything else.

use crate::model::{Body, BodyFormat};

use super::json::{self, Unreadable};
use super::names;
use super::text::Pass;

/// In larger bodies no path is followed; they are masked by names and as text. The same bound as for correlation, for
/// the same reason.
const JSON_BYTES_MAX: usize = 4 << 20;

/// Content encodings that hide the text. Others (`utf-8`, `binary`) say nothing of the kind.
const COMPRESSIONS: [&str; 12] =
    ["gzip", "x-gzip", "deflate", "zlib", "br", "brotli", "zstd", "compress", "snappy", "lz4", "bzip2", "xz"];

impl Pass<'_> {
    /// Masks the body in place, noting the values masked whole.
    pub(super) fn body(&self, body: &mut Body, encoding: Option<&str>, format: BodyFormat, whole: &mut Vec<String>) {
        let masker = self.masker;
        if body.data.is_empty() || (masker.body.is_empty() && masker.detectors.is_empty()) {
            return;
        }
        if encoding.is_some_and(is_compression) {
            body.data = Vec::new();
            body.truncated = true;
            return;
        }
        if masker.body.is_empty() && !masker.detectors.may_find(&body.data) {
            return;
        }
        if let Some(masked) = self.data(&body.data, format, whole) {
            body.data = masked;
        }
    }

    fn data(&self, data: &[u8], format: BodyFormat, whole: &mut Vec<String>) -> Option<Vec<u8>> {
        let Ok(text) = std::str::from_utf8(data) else {
            return self.unreadable(data, whole);
        };
        let known_json = format == BodyFormat::Json;
        if self.masker.body.is_empty() {
            return self.json_or_text(data, known_json);
        }
        let trimmed = text.trim_start_matches('\u{feff}');
        let may_be_json = may_be_json(trimmed) && trimmed.len() <= JSON_BYTES_MAX;
        if !may_be_json || !(known_json || json::is_json(trimmed)) {
            return self.unreadable(data, whole);
        }
        let mark = text.get(..text.len() - trimmed.len()).unwrap_or_default();
        match json::mask(self, trimmed, whole) {
            Ok(masked) => Some([mark.as_bytes(), masked?.as_bytes()].concat()),
            Err(Unreadable) => self.unreadable(data, whole),
        }
    }

    /// What cannot be read as JSON: by names where it looks like JSON, then as running text.
    fn unreadable(&self, data: &[u8], whole: &mut Vec<String>) -> Option<Vec<u8>> {
        let by_name = match self.masker.body.as_slice() {
            [] => None,
            _ if !looks_like_json(data) => None,
            paths => names::mask(self.masker, data, paths, whole),
        };
        match by_name {
            Some(masked) => Some(self.json_or_text(&masked, false).unwrap_or(masked)),
            None => self.json_or_text(data, false),
        }
    }

    /// What detectors find, so that JSON stays JSON.
    fn json_or_text(&self, data: &[u8], known_json: bool) -> Option<Vec<u8>> {
        if !self.masker.detectors.may_find(data) {
            return None;
        }
        let text = std::str::from_utf8(data).ok().filter(|text| {
            let text = text.trim_start_matches('\u{feff}');
            known_json || (may_be_json(text) && json::is_json(text))
        });
        match text {
            Some(text) => json::mask_tokens(self, text).map(String::into_bytes),
            None => self.bytes(data),
        }
    }

    /// Running text. What is not UTF-8 is read as if each byte were a character: digits and the signs of an address
    /// are the same in every encoding that is based on ASCII.
    pub(super) fn bytes(&self, data: &[u8]) -> Option<Vec<u8>> {
        if !self.masker.detectors.may_find(data) {
            return None;
        }
        if let Ok(text) = std::str::from_utf8(data) {
            return self.text(text).map(String::into_bytes);
        }
        let text: String = data.iter().copied().map(char::from).collect();
        let masked = self.text(&text)?;
        Some(masked.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
    }
}

fn is_compression(encoding: &str) -> bool {
    encoding.split(',').any(|one| COMPRESSIONS.contains(&one.trim().to_ascii_lowercase().as_str()))
}

fn looks_like_json(data: &[u8]) -> bool {
    let data = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data).trim_ascii_start();
    matches!(data.first(), Some(b'{' | b'['))
}

fn may_be_json(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    matches!(text.bytes().next(), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9'))
}
