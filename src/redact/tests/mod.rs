//! Whole events through the masker.

mod bodies;
mod events;
mod identity;
mod properties;

use super::Masker;
use crate::config::{self, Redact};
use crate::model::BodyFormat;
use crate::model::{Body, Event, Kind, Source, Timestamp};

const CARD: &str = "4111 1111 1111 1111";
const EMAIL: &str = "anna@example.com";
const PHONE: &str = "+7 999 123-45-67";

fn settings(text: &str) -> Redact {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("[redact]\n{text}")).expect("written");
    config::load(Some(file.path()), [], &vec![]).expect("valid").redact
}

pub(super) fn masker(text: &str) -> Masker {
    Masker::new(&settings(text), [7; 32])
}

fn event(body: impl Into<Vec<u8>>) -> Event {
    let mut event = Event::new(Kind::Publish, Source::Firehose, Timestamp::default());
    let data = body.into();
    event.body = Some(Body { len: data.len() as u64, data, ..Body::default() });
    event
}

fn masked_bytes(settings: &str, body: impl Into<Vec<u8>>) -> Vec<u8> {
    let mut event = event(body);
    masker(settings).apply(&mut event, BodyFormat::Unknown);
    event.body.expect("a body").data
}

fn masked(settings: &str, body: &str) -> String {
    String::from_utf8(masked_bytes(settings, body)).expect("text")
}

/// Masks read `***`.
fn check(settings: &str, body: &str, expected: &str) {
    assert_eq!(blank(&masked(settings, body)), expected, "{body}");
}

fn blank(text: &str) -> String {
    regex::Regex::new(r"\*\*\*[0-9a-f]{8}").expect("a pattern").replace_all(text, "***").into_owned()
}
