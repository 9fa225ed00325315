//! What holds for every body.

use proptest::prelude::*;
use serde_json::json;

use super::{CARD, EMAIL, PHONE, masked, masked_bytes};

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
