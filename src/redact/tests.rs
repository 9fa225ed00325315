//! Whole events through the masker.

use proptest::prelude::*;
use serde_json::json;

use super::{Masker, cut};
use crate::config::{self, Redact};
use crate::model::{Body, Death, Event, Gap, Kind, Session, Source, Timestamp, Topology, Value};

const CARD: &str = "4111 1111 1111 1111";
const EMAIL: &str = "anna@example.com";
const PHONE: &str = "+7 999 123-45-67";

fn settings(text: &str) -> Redact {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("[redact]\n{text}")).expect("written");
    config::load(Some(file.path()), [], &vec![]).expect("valid").redact
}

fn masker(text: &str) -> Masker {
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
    masker(settings).apply(&mut event, None);
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

#[test]
fn strings_names_and_integers_of_json_are_masked_where_they_stand() {
    check(
        "",
        "\u{feff}{ \"z\": \"to anna@example.com!\",\t\"a\": [4111111111111111, -4111111111111111, 79991234567,\n 12.50],\
         \"anna@example.com\": {\"big\": 123456789012345678901234567890, \"f\": 1e300}, \"e\": \"\\u0061nna\\u0040x.com\\n\", \
         \"x\": 4111111111111111.0, \"t\": [true, null, [], {}] }",
        "\u{feff}{ \"z\": \"to ***!\",\t\"a\": [\"***\", \"***\", \"***\",\n 12.50],\"***\": {\"big\": \
         123456789012345678901234567890, \"f\": 1e300}, \"e\": \"***\\n\", \"x\": \"***\", \"t\": [true, null, [], {}] }",
    );
}

#[test]
fn a_body_that_is_one_json_value_stays_json() {
    check("", "4111111111111111", "\"***\"");
    check("", "\"anna@example.com\"", "\"***\"");
    check("body = ['$']", "{\"a\": 1}", "\"***\"");
}

#[test]
fn json_that_cannot_be_followed_stays_json() {
    let large = format!("{{\"n\": 4111111111111111, \"pad\": \"{}\"}}", "x".repeat(4 << 20));
    for paths in ["", "body = ['$.name']"] {
        check(paths, &large, &large.replace("4111111111111111", "\"***\""));
        check(paths, r#"[1e400, 4111111111111111, "a\u0040b.cd"]"#, r#"[1e400, "***", "***"]"#);
    }
    // Without paths, a name twice hides nothing: every string is looked at.
    check("", r#"{"a": "anna@example.com", "a": "x"}"#, r#"{"a": "***", "a": "x"}"#);
}

#[test]
fn configured_paths_mask_values_of_every_kind_whole() {
    check(
        "body = ['$.customer.name', '$..secret', '$.items[*].note']",
        r#"{"customer": {"name": "Anna", "id": 7}, "secret": {"deep": [1]}, "items": [{"note": 5}, {"note": null},
           {"note": true, "secret": [1, {"secret": "x"}]}]}"#,
        r#"{"customer": {"name": "***", "id": 7}, "secret": "***", "items": [{"note": "***"}, {"note": null},
           {"note": "***", "secret": "***"}]}"#,
    );
}

#[test]
fn equal_values_have_equal_masks_however_they_are_written() {
    let of = |text: &str| masked("", text);
    let same = [
        vec!["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"],
        vec!["+7 999 123-45-67", "+79991234567", "8 (999) 123-45-67", "79991234567"],
        vec!["anna@example.com", "Anna@Example.COM"],
    ];
    let mut masks = Vec::new();
    for group in same {
        let first = of(&format!("x {}", group[0]));
        for text in &group {
            assert_eq!(of(&format!("x {text}")), first, "{text}");
            let whole = masked("body = ['$.v']\ndetect = []", &json!({ "v": text }).to_string());
            assert_eq!(whole, json!({"v": first.trim_start_matches("x ")}).to_string(), "masked whole: {text}");
        }
        masks.push(first);
    }
    assert!(masks[0] != masks[1] && masks[1] != masks[2] && masks[0] != masks[2], "{masks:?}");
    let other = Masker::new(&settings(""), [8; 32]);
    let mut event = event(EMAIL);
    other.apply(&mut event, None);
    assert_ne!(event.body.expect("a body").data, of(EMAIL).into_bytes(), "another key gives other masks");
}

#[test]
fn an_object_with_a_name_twice_keeps_nothing_unseen() {
    let paths = "body = ['$.customer.name']";
    check(paths, r#"{"customer": {"name": "Anna"}, "customer": "x"}"#, r#"{"customer":"x"}"#);
    check(paths, r#"{"customer": {"name": "Anna", "name": "Olga"}}"#, r#"{"customer":{"name":"***"}}"#);
    check(paths, r#"{"a": "anna@example.com", "a": "x"}"#, r#"{"a":"x"}"#);
}

#[test]
fn what_begins_like_json_and_is_not_is_masked_by_name() {
    let paths = "body = ['$.customer.name', '$..phones[*]']";
    for (body, expected) in [
        (r#"{"name": "Anna", "n": 1"#, r#"{"name": "***", "n": 1"#),
        (r#"{"name": "Anna"#, r#"{"name": "***""#),
        (
            "{\"name\": 1}\n{\"n\\u0061me\" : {\"a\": [\"}\"]}, \"b\": 2}",
            "{\"name\": \"***\"}\n{\"n\\u0061me\" : \"***\", \"b\": 2}",
        ),
        (r#"{"phones": [1, 2], "mail": anna@example.com}"#, r#"{"phones": "***", "mail": ***}"#),
        (r#"{"name": null, "name"}"#, r#"{"name": null, "name"}"#),
    ] {
        check(paths, body, expected);
    }
    let deep = format!("{}{{\"name\": \"Anna\"}}{}", "[".repeat(200), "]".repeat(200));
    check(paths, &deep, &deep.replace("\"Anna\"", "\"***\""));
    let large = format!("{{\"name\": \"Anna\", \"pad\": \"{}\"}}", "x".repeat(4 << 20));
    check(paths, &large, &large.replace("\"Anna\"", "\"***\""));
    let latin1 = [&b"{\"name\": \"J\xf6rg\", \"x\": \"\xfc "[..], CARD.as_bytes(), b"\""].concat();
    let text: Vec<u8> = masked_bytes(paths, latin1);
    assert!(text.starts_with(b"{\"name\": \"***") && text.windows(3).any(|w| w == b"\xfc *"), "{text:?}");
    check("body = ['$[*]']", "{\"broken", "");
}

#[test]
fn text_and_binary_bodies_are_looked_through() {
    check("", "Card: 4111 1111 1111 1111; tel. 8-800-555-35-35", "Card: ***; tel. ***");
    check("", "<mail>anna@example.com</mail>", "<mail>***</mail>");
    let bytes = masked_bytes("", [&b"\xff\x00\x10card 4111\xa01111\xa01111\xa01111\xfe"[..]].concat());
    assert!(bytes.starts_with(b"\xff\x00\x10card ***") && bytes.ends_with(b"\xfe"), "{bytes:?}");
}

#[test]
fn a_compressed_body_is_not_kept() {
    let mut message = event([0x1f, 0x8b, 1, 2]);
    message.properties.content_encoding = Some("GZIP".into());
    masker("").apply(&mut message, None);
    let body = message.body.expect("a body");
    assert!(body.data.is_empty() && body.truncated && body.len == 4);
    let mut message = event("plain");
    message.properties.content_encoding = Some("utf-8".into());
    masker("").apply(&mut message, None);
    assert_eq!(message.body.expect("a body").data, b"plain");
}

#[test]
fn headers_are_masked_by_name_and_by_what_they_hold() {
    let mut message = event("");
    message.headers = vec![
        ("X-Customer".into(), Value::Text("Anna".into())),
        ("n".into(), Value::Int(4_111_111_111_111_111)),
        ("at".into(), Value::Timestamp(4_111_111_111_111_111)),
        (
            "nested".into(),
            Value::List(vec![Value::Table(vec![
                (EMAIL.into(), Value::Text(format!("<{PHONE}>").into())),
                ("x-customer".into(), Value::Table(vec![("a".into(), Value::UInt(1))])),
                ("raw".into(), Value::Bytes([b"\xff ", CARD.as_bytes()].concat())),
            ])]),
        ),
    ];
    masker("headers = ['x-customer']").apply(&mut message, None);
    assert_eq!(message.headers.len(), 4);
    let json = message.headers.iter().map(|(name, value)| format!("{name}={}", value.to_json())).collect::<Vec<_>>();
    let raw = message.headers[3].1.to_json()[0]["raw"]["base64"].as_str().expect("bytes").to_owned();
    assert_eq!(
        blank(&json.join(" ")).replace(&raw, "RAW"),
        r#"X-Customer="***" n="***" at=4111111111111111 nested=[{"***":"<***>","raw":{"base64":"RAW"},"x-customer":"***"}]"#
    );
}

#[test]
fn every_text_of_an_event_is_looked_through() {
    let mut message = event("");
    let text = || Some(crate::model::Str::from(format!("a {EMAIL} b")));
    message.routing_key = text();
    message.routing_keys = text().into_iter().collect();
    message.customer_id = text();
    message.order_id = text();
    message.status = text();
    message.service = text();
    message.reply_to = text();
    message.type_ = text();
    message.app_id = text();
    message.properties.user_id = text();
    message.session = Some(Session { user: text(), client_name: text(), ..Session::default() });
    message.death = Some(Death {
        queue: "q".into(),
        reason: "rejected".into(),
        exchange: "e".into(),
        routing_keys: text().into_iter().collect(),
        count: 1,
        first_at: None,
    });
    message.returned = Some(crate::model::Return { code: 312, text: text().expect("text") });
    let at = Timestamp::default();
    message.gap = Some(Gap { source: Source::Binding, from: at, to: at, count: None, cause: text().expect("text") });
    message.topology = Some(Topology { change: "queue.created".into(), detail: text().expect("text") });
    message.body.as_mut().expect("a body").content_type = text();
    masker("exempt_ids = []").apply(&mut message, None);
    let shown = format!("{message:?}");
    assert!(!shown.contains("anna"), "{shown}");
    assert_eq!(shown.matches("a ***").count(), 17, "{shown}");
}

#[test]
fn an_events_own_ids_are_exempt_wherever_they_stand() {
    let id = "79991234567";
    let make = || {
        let mut message = event(format!("{{\"id\": {id}, \"text\": \"order {id}, call 79991234568\"}}"));
        message.order_id = Some(id.into());
        message.message_id = Some("8 800 555 35 35".into());
        message.correlation_id = Some("t-555-123-4567".into());
        message.routing_key = Some(format!("order.{id}").into());
        message.headers = vec![("m".into(), Value::Text("(8 800 555 35 35)".into()))];
        message
    };
    let mut message = make();
    masker("").apply(&mut message, None);
    let text = String::from_utf8(message.body.clone().expect("a body").data).expect("text");
    assert_eq!(blank(&text), format!("{{\"id\": {id}, \"text\": \"order {id}, call ***\"}}"));
    assert_eq!(message.order_id.as_deref(), Some(id));
    assert_eq!(message.message_id.as_deref(), Some("8 800 555 35 35"));
    assert_eq!(message.headers[0].1, Value::Text("(8 800 555 35 35)".into()));
    let mut message = make();
    masker("exempt_ids = []").apply(&mut message, None);
    for field in [&message.order_id, &message.message_id] {
        assert!(field.as_ref().expect("kept").starts_with("***"), "{field:?}");
    }
}

#[test]
fn a_configured_place_is_masked_though_it_holds_an_exempt_id() {
    let mut message = event(r#"{"order": "A-1", "customer": "Anna"}"#);
    message.order_id = Some("A-1".into());
    message.customer_id = Some("Anna".into());
    message.message_id = Some("m-1".into());
    masker("body = ['$.order', '$.customer']\nproperties = ['message_id']").apply(&mut message, None);
    let text = String::from_utf8(message.body.expect("a body").data).expect("text");
    assert_eq!(blank(&text), r#"{"order": "***", "customer": "***"}"#);
    assert_eq!(message.order_id.as_deref(), Some("A-1"), "the order can still be found");
    assert!(message.customer_id.expect("kept").starts_with("***"), "no readable copy of what is masked");
    assert!(message.message_id.expect("kept").starts_with("***"));
}

#[test]
fn detectors_that_are_off_find_nothing() {
    check(
        "detect = ['card']",
        "anna@example.com +7 999 123-45-67 4111111111111111",
        "anna@example.com +7 999 123-45-67 ***",
    );
    check("detect = []", "anna@example.com 4111111111111111", "anna@example.com 4111111111111111");
}

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

/// Text around a planted value that is neither part of it nor of an address.
fn around() -> impl Strategy<Value = String> {
    "(\\PC{0,20}[ ,;:\"\\n<>{}])?"
}

proptest! {
    #[test]
    fn no_planted_value_is_left(before in around(), after in around(), json in any::<bool>()) {
        for planted in [CARD, EMAIL, PHONE, "4111111111111111", "+79991234567"] {
            // Turned around, so that the sign next to the value is one that ends it.
            let text = format!("{before}{planted}{}", after.chars().rev().collect::<String>());
            let body = if json { json!({"a": [text]}).to_string() } else { text.clone() };
            let out = masked("", &body);
            prop_assert!(!out.contains(planted), "{body:?} -> {out:?}");
            if json {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
            }
        }
    }

    #[test]
    fn masking_again_changes_nothing(body in "[0-9+() .@a*\\-]{0,60}|([0-9]{3,4}[ \\-.]|\\+|[a-c]@d\\.ef|\\*){0,12}|\\PC{0,60}") {
        let once = masked("", &body);
        prop_assert_eq!(masked("", &once), once);
    }

    #[test]
    fn masking_bytes_again_changes_nothing(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let once = masked_bytes("", body);
        prop_assert_eq!(&masked_bytes("", once.clone()), &once);
    }

    #[test]
    fn json_without_anything_to_mask_stays_byte_for_byte(value in json(), pretty in any::<bool>()) {
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let body = body.expect("json");
        prop_assert_eq!(masked("body = ['$.nothing.here']", &body), body);
    }

    #[test]
    fn masked_json_is_json_and_masking_it_again_changes_nothing(value in json()) {
        let settings = "body = ['$..a', '$[1]', '$.b.*', '$..[?(@.c)]']";
        let once = masked(settings, &value.to_string());
        let read: serde_json::Value = serde_json::from_str(&once).expect("still JSON");
        prop_assert_eq!(read.is_object() || read.is_string(), value.is_object() || read.is_string());
        prop_assert_eq!(masked(settings, &once), once);
    }
}

/// JSON with few different names, so that paths meet some.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|v| json!(v)),
        (-100_000i64..100_000).prop_map(|v| json!(v)),
        "[a-z\"\\\\\u{e9}\n]{0,6}".prop_map(|v| json!(v)),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|v| json!(v)),
            proptest::collection::btree_map("[a-d]|[a-z\" ]{0,4}", inner, 0..4).prop_map(|v| json!(v)),
        ]
    })
}
