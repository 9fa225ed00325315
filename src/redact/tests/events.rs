//! Headers, ids and the other texts of an event.

use super::{CARD, EMAIL, PHONE, blank, event, masker};
use crate::model::BodyFormat;
use crate::model::{Death, Gap, Session, Source, Timestamp, Topology, Value};

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
    masker("headers = ['x-customer']").apply(&mut message, BodyFormat::Unknown);
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
    masker("exempt_ids = []").apply(&mut message, BodyFormat::Unknown);
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
    masker("").apply(&mut message, BodyFormat::Unknown);
    let text = String::from_utf8(message.body.clone().expect("a body").data).expect("text");
    assert_eq!(blank(&text), format!("{{\"id\": {id}, \"text\": \"order {id}, call ***\"}}"));
    assert_eq!(message.order_id.as_deref(), Some(id));
    assert_eq!(message.message_id.as_deref(), Some("8 800 555 35 35"));
    assert_eq!(message.headers[0].1, Value::Text("(8 800 555 35 35)".into()));
    let mut message = make();
    masker("exempt_ids = []").apply(&mut message, BodyFormat::Unknown);
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
    masker("body = ['$.order', '$.customer']\nproperties = ['message_id']").apply(&mut message, BodyFormat::Unknown);
    let text = String::from_utf8(message.body.expect("a body").data).expect("text");
    assert_eq!(blank(&text), r#"{"order": "***", "customer": "***"}"#);
    assert_eq!(message.order_id.as_deref(), Some("A-1"), "the order can still be found");
    assert!(message.customer_id.expect("kept").starts_with("***"), "no readable copy of what is masked");
    assert!(message.message_id.expect("kept").starts_with("***"));
}

#[test]
fn an_id_that_stands_in_what_is_masked_whole_is_masked_too() {
    let body = r#"{"customer": {"name": ["Anna"], "number": 4711, "step": "NEW"}}"#;
    for (customer, order, masked) in [("Anna", "4711", true), ("Ann", "471", false)] {
        let mut message = event(body);
        (message.customer_id, message.order_id) = (Some(customer.into()), Some(order.into()));
        message.status = Some("NEW".into());
        let mut headers = message.clone();
        headers.body = None;
        headers.headers = vec![("x".into(), Value::List(vec![Value::Text("Anna".into()), Value::Int(4711)]))];
        masker("body = ['$.customer']\nexempt_ids = []").apply(&mut message, BodyFormat::Unknown);
        masker("headers = ['x']\nexempt_ids = []").apply(&mut headers, BodyFormat::Unknown);
        for message in [message, headers] {
            for id in [&message.customer_id, &message.order_id] {
                assert_eq!(id.as_ref().expect("kept").starts_with("***"), masked, "{id:?}");
            }
            assert_eq!(message.status.as_deref(), Some("NEW"), "a status is no id");
        }
    }
}
