//! Fingerprints, digests and the cut.

use super::{event, masker};
use crate::model::{Event, Kind, Source, Timestamp, Value};
use crate::redact::cut;

#[test]
fn a_fingerprint_joins_what_the_broker_leaves_alone() {
    let masker = masker("");
    let mut first = event("body");
    first.properties.timestamp = Some(0x1_0000_0005);
    first.headers = vec![("CC".into(), Value::Null)];
    first.properties.expiration = Some("1000".into());
    first.exchange = Some("a".into());
    let mut second = event("body");
    second.properties.timestamp = Some(5);
    second.kind = Kind::Deliver;
    masker.identify(&mut first);
    masker.identify(&mut second);
    assert!(first.fingerprint.is_some());
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_eq!(masker.fingerprint(&first), first.fingerprint);
    assert_eq!(first.body.as_ref().expect("a body").digest, masker.digest(b"body"));
    assert_eq!(masker.fingerprint(&Event::new(Kind::Gap, Source::Hoptrail, Timestamp::default())), None);
}

#[test]
fn a_fingerprint_tells_every_field_apart() {
    let masker = masker("");
    let changes: [fn(&mut Event); 13] = [
        |_| {},
        |e| e.body.as_mut().expect("a body").data.push(0),
        |e| e.body.as_mut().expect("a body").content_type = Some("x".into()),
        |e| e.properties.content_encoding = Some("x".into()),
        |e| e.properties.delivery_mode = Some(2),
        |e| e.properties.priority = Some(2),
        |e| e.correlation_id = Some("x".into()),
        |e| e.reply_to = Some("x".into()),
        |e| e.message_id = Some("x".into()),
        |e| e.properties.timestamp = Some(1),
        |e| e.type_ = Some("x".into()),
        |e| e.properties.user_id = Some("x".into()),
        |e| e.app_id = Some("".into()),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for change in changes {
        let mut event = event("body");
        change(&mut event);
        seen.insert(masker.fingerprint(&event));
    }
    assert_eq!(seen.len(), changes.len());
}

#[test]
fn a_body_is_cut_at_the_border_of_a_character() {
    for (body, max, expected) in [("жжж", 3, "ж"), ("abc", 3, "abc"), ("abc", 2, "ab"), ("abc", 0, "")] {
        let mut event = event(body);
        cut(&mut event, max);
        let cut = event.body.expect("a body");
        assert_eq!((cut.data, cut.truncated, cut.len), (expected.into(), expected != body, body.len() as u64));
    }
    let mut event = event([0xff, 0xfe, 0xfd]);
    cut(&mut event, 2);
    assert_eq!(event.body.expect("a body").data, [0xff, 0xfe]);
}
