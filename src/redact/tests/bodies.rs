//! Bodies of all kinds.

use serde_json::json;

use super::{CARD, EMAIL, check, event, masked, masked_bytes, masker, settings};
use crate::model::BodyFormat;
use crate::redact::Masker;

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
    other.apply(&mut event, BodyFormat::Unknown);
    assert_ne!(event.body.expect("a body").data, of(EMAIL).into_bytes(), "another key gives other masks");
}

#[test]
fn an_object_with_a_name_twice_is_masked_wherever_the_name_stands() {
    let paths = "body = ['$.customer.name']";
    for (body, expected) in [
        (r#"{"customer": {"name": "Anna"}, "customer": "x"}"#, r#"{"customer": {"name": "***"}, "customer": "x"}"#),
        (r#"{"customer": "x", "customer": {"name": "Anna"}}"#, r#"{"customer": "x", "customer": {"name": "***"}}"#),
        (r#"{"customer": {"name": "Anna", "name": "Olga"}}"#, r#"{"customer": {"name": "***", "name": "***"}}"#),
        (r#"{"customer": {"name": "Anna", "n\u0061me": 5}}"#, r#"{"customer": {"name": "***", "n\u0061me": "***"}}"#),
        (r#"{"a": "anna@example.com", "a": "x"}"#, r#"{"a": "***", "a": "x"}"#),
    ] {
        check(paths, body, expected);
    }
}

#[test]
fn where_a_path_looks_at_whole_containers_an_object_with_a_name_twice_keeps_nothing_unseen() {
    let paths = "body = ['$.customer[?(@.secret)]', '$.customer.name']";
    let anna = r#"{"a": {"secret": "Anna"}, "a": 5, "name": "Olga", "name": "Anna"}"#;
    check(paths, &format!("{{\"customer\": {anna}}}"), r#"{"customer":{"a":5,"name":"***"}}"#);
    check(paths, &format!("{{\"customer\": {anna}, \"customer\": \"x\"}}"), r#"{"customer":"x"}"#);
    check("body = ['$.a[-1]']", r#"{"a": ["Anna"], "a": [1, "Olga"]}"#, r#"{"a":[1,"***"]}"#);
}

#[test]
fn paths_are_followed_in_json_that_no_tree_can_be_made_of() {
    for unusual in ["1e400", r#""\ud800""#] {
        let body = format!("{{\"x\": {unusual}, \"name\": \"Anna\", \"y\": {{\"name\": 7}}}}");
        check("body = ['$.name']", &body, &body.replace("\"Anna\"", "\"***\""));
        check("body = ['$.x', '$.y']", &body, "{\"x\": \"***\", \"name\": \"Anna\", \"y\": \"***\"}");
        // A filter needs the tree: by names, then.
        let by_name = format!("{{\"x\": {unusual}, \"name\": \"***\", \"y\": \"***\"}}");
        check("body = ['$.y[?(@.b)]', '$.name']", &body, &by_name);
    }
}

#[test]
fn values_within_selected_ones_are_masked_with_them() {
    check(
        "body = ['$.a[1:]', '$..b', '$.a[-1].b.c', '$.c[?(@.d)]']",
        r#"{"a": [{"b": 1}, {"b": {"c": 2}}, 3], "b": {"b": 4}, "c": [{"d": {"b": 5}}, {"b": 6}]}"#,
        r#"{"a": [{"b": "***"}, "***", "***"], "b": "***", "c": ["***", {"b": "***"}]}"#,
    );
}

#[test]
fn a_body_known_as_json_is_masked_like_any_other() {
    let paths = "body = ['$.name', '$.mail[-1]']";
    for body in [r#"{"name": "Anna", "mail": [1]}"#, "\u{feff} \n{\"name\": \"Anna\"}", "\u{c}{\"name\": \"Anna\"}"] {
        let mut known = event(body);
        masker(paths).apply(&mut known, BodyFormat::Json);
        assert_eq!(known.body.expect("a body").data, masked_bytes(paths, body), "{body}");
        assert!(!masked(paths, body).contains("Anna"), "{body}");
    }
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
    masker("").apply(&mut message, BodyFormat::Unknown);
    let body = message.body.expect("a body");
    assert!(body.data.is_empty() && body.truncated && body.len == 4);
    let mut message = event("plain");
    message.properties.content_encoding = Some("utf-8".into());
    masker("").apply(&mut message, BodyFormat::Unknown);
    assert_eq!(message.body.expect("a body").data, b"plain");
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
