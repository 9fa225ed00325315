//! Rules, from the configuration's text to the event.

use super::text::KEY_BYTES_MAX;
use super::{Correlator, Findings, Memo};
use crate::config;
use crate::model::{Body, BodyFormat, Event, Kind, Session, Source, Timestamp, Value};

fn correlator(rules: &str) -> Correlator {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("[correlate]\n{rules}")).expect("written");
    Correlator::new(&config::load(Some(file.path()), [], &vec![]).expect("valid").correlate)
}

fn event(body: impl Into<Vec<u8>>) -> Event {
    let mut event = Event::new(Kind::Publish, Source::Firehose, Timestamp::default());
    event.body = Some(Body { data: body.into(), ..Body::default() });
    event
}

/// The order id that the rule finds in the event.
fn check(rule: &str, mut event: Event, expected: Option<&str>) {
    correlator(&format!("order_id = [{rule}]")).apply(&mut event);
    assert_eq!(event.order_id.as_deref(), expected, "{rule}");
}

#[test]
fn a_body_rule_takes_strings_numbers_and_booleans_as_text() {
    let body =
        r#"{"s": "JW-1", "n": 42, "f": 1.5, "b": true, "z": null, "o": {"id": "in"}, "a": [{"id": 7}], "e": ""}"#;
    for (path, expected) in [
        ("$.s", Some("JW-1")),
        ("$.n", Some("42")),
        ("$.f", Some("1.5")),
        ("$.b", Some("true")),
        ("$.z", None),
        ("$.o", None),
        ("$.o.id", Some("in")),
        ("$.a[0].id", Some("7")),
        ("$.e", None),
        ("$.missing", None),
        ("$['z','s']", Some("JW-1")),
    ] {
        check(&format!("{{ body = \"{path}\" }}"), event(body), expected);
    }
}

#[test]
fn a_body_that_is_not_json_does_not_match() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for body in ["", "plain", "{\"id\": ", "\"id\"", "<id>1</id>", deep.as_str()] {
        check("{ body = '$.id' }", event(body), None);
    }
    check("{ body = '$.id' }", event([0xff, 0xfe, b'{']), None);
    check("{ body = '$.id' }", Event::new(Kind::Gap, Source::Hoptrail, Timestamp::default()), None);
}

#[test]
fn a_body_is_json_by_its_first_byte_not_by_its_content_type() {
    let mut message = event("\u{feff} \n{\"id\": \"A\"}");
    message.body.as_mut().expect("a body").content_type = Some("text/plain".into());
    check("{ body = '$.id' }", message, Some("A"));
}

#[test]
fn a_body_above_the_bound_is_not_parsed() {
    let body = format!("{{\"id\": \"A\", \"pad\": \"{}\"}}", "x".repeat(4 << 20));
    check("{ body = '$.id' }", event(body), None);
}

#[test]
fn headers_and_properties_are_taken_whole_or_by_pattern() {
    let mut message = event("");
    message.headers = vec![
        ("order".into(), Value::Text("order=JW-7;x".into())),
        ("n".into(), Value::Int(-5)),
        ("d".into(), Value::Decimal { scale: 1, value: 15 }),
        ("list".into(), Value::List(vec![])),
    ];
    message.correlation_id = Some("c-9".into());
    message.properties.user_id = Some("mes".into());
    for (rule, expected) in [
        ("{ header = 'order' }", Some("order=JW-7;x")),
        ("{ header = 'order', pattern = 'JW-\\d+' }", Some("JW-7")),
        ("{ header = 'order', pattern = '=([^;]+);(.*)' }", Some("JW-7")),
        ("{ header = 'order', pattern = '^x' }", None),
        ("{ header = 'order', pattern = '(^x)|order' }", None),
        ("{ header = 'n' }", Some("-5")),
        ("{ header = 'd' }", Some("1.5")),
        ("{ header = 'list' }", None),
        ("{ header = 'Order' }", None),
        ("{ property = 'correlation_id' }", Some("c-9")),
        ("{ property = 'user_id' }", Some("mes")),
        ("{ property = 'type' }", None),
    ] {
        check(rule, message.clone(), expected);
    }
}

#[test]
fn names_of_the_topology_match_their_own_pattern() {
    let mut message = event("");
    message.exchange = Some("".into());
    message.routing_key = Some("order.JW-3.shipped".into());
    message.queue = Some("mes.orders".into());
    message.session =
        Some(Session { client_name: Some("crm-7".into()), user: Some("crm".into()), ..Session::default() });
    for (rule, expected) in [
        ("{ routing_key = '^order\\.([^.]+)' }", Some("JW-3")),
        ("{ queue = '^[a-z]+' }", Some("mes")),
        ("{ client_name = '^crm' }", Some("crm")),
        ("{ user = '.*' }", Some("crm")),
        ("{ exchange = '^$' }", None),
        ("{ exchange = '^$', value = 'direct' }", Some("direct")),
    ] {
        check(rule, message.clone(), expected);
    }
}

#[test]
fn the_first_rule_that_matches_wins_and_kinds_are_respected() {
    let rules = "{ body = '$.none' }, { body = '$.b', kinds = ['deliver'] }, { body = '$.c' }, { body = '$.d' }";
    check(rules, event(r#"{"b": 1, "c": 2, "d": 3}"#), Some("2"));
    let mut delivered = event(r#"{"b": 1, "c": 2}"#);
    delivered.kind = Kind::Deliver;
    check(rules, delivered, Some("1"));
}

#[test]
fn every_key_has_its_own_rules_and_a_known_service_stays() {
    let correlator = correlator(
        "order_id = [{ body = '$.id' }]\ncustomer_id = [{ body = '$.c' }]\nstatus = [{ property = 'type' }]\n\
         service = [{ queue = '^(mes|crm)', value = 'any' }]",
    );
    let mut message = event(r#"{"id": 1, "c": "k"}"#);
    message.type_ = Some("SHIPPED".into());
    message.queue = Some("crm.status".into());
    assert_eq!(correlator.apply(&mut message), BodyFormat::Json);
    let found = [&message.order_id, &message.customer_id, &message.status, &message.service];
    assert_eq!(found.map(|key| key.as_deref()), [Some("1"), Some("k"), Some("SHIPPED"), Some("any")]);
    message.service = Some("known".into());
    correlator.apply(&mut message);
    assert_eq!(message.service.as_deref(), Some("known"));
}

#[test]
fn a_body_is_parsed_only_when_a_rule_needs_it() {
    let correlator = correlator("order_id = [{ property = 'type' }, { body = '$.id' }]");
    let mut message = event(r#"{"id": 1}"#);
    message.type_ = Some("T".into());
    assert_eq!(correlator.apply(&mut message), BodyFormat::Unknown);
    message.order_id = None;
    message.type_ = None;
    assert_eq!(correlator.apply(&mut message), BodyFormat::Json);
}

#[test]
fn a_long_id_is_bounded_and_distinct_ids_stay_distinct() {
    let long = "ж".repeat(KEY_BYTES_MAX);
    let mut keys = Vec::new();
    for end in ["a", "b"] {
        let mut message = event("");
        message.message_id = Some(format!("{long}{end}").into());
        correlator("order_id = [{ property = 'message_id' }]").apply(&mut message);
        keys.push(message.order_id.expect("found"));
    }
    assert!(keys.iter().all(|key| key.len() <= KEY_BYTES_MAX && key.starts_with("жжж")), "{keys:?}");
    assert_ne!(keys.first(), keys.last());
    check(&format!("{{ property = 'message_id', value = '{}' }}", "v".repeat(9)), event(""), None);
}

#[test]
fn what_is_known_of_a_body_and_of_names_is_not_looked_for_again() {
    let correlator = correlator("order_id = [{ body = '$.id' }, { body = '$..n' }]\nservice = [{ queue = '^[a-z]+' }]");
    let (mut findings, mut memo) = (Findings::default(), Memo::default());
    let mut keys = Vec::new();
    for body in [r#"{"x": {"n": 5}}"#, "not read", "not read"] {
        let mut message = event(body);
        message.queue = Some("mes.orders".into());
        correlator.apply_with(&mut message, &mut findings, &mut memo);
        keys.push((message.order_id, message.service));
    }
    assert_eq!(keys, vec![(Some("5".into()), Some("mes".into())); 3]);
}

#[test]
fn rules_with_all_kinds_of_paths_see_the_same_body() {
    let rules = "order_id = [{ body = '$.o.none' }, { body = '$.o.id' }]\ncustomer_id = [{ body = '$.o.c.id' }]\n\
                 status = [{ body = '$.o.id' }]\nservice = [{ body = '$..c.id', pattern = '.$' }]";
    let mut message = event(r#"{"o": {"id": 1, "c": {"id": "k"}}}"#);
    correlator(rules).apply(&mut message);
    let found = [&message.order_id, &message.customer_id, &message.status, &message.service];
    assert_eq!(found.map(|key| key.as_deref()), [Some("1"), Some("k"), Some("1"), Some("k")]);
}
