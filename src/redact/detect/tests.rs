//! What is found, and what is left alone.

use proptest::prelude::*;

use super::Detectors;
use super::groups::DIGITS_MIN;
use crate::config::Detector;

fn found(text: &str) -> Vec<(Detector, &str)> {
    Detectors::ALL.find(text).into_iter().map(|one| (one.kind, &text[one.range])).collect()
}

fn check(cases: &[(&str, &str)], kind: Detector) {
    for (text, expected) in cases {
        assert_eq!(found(text), [(kind, *expected)], "{text:?}");
    }
}

#[test]
fn e_mail_addresses_are_found() {
    check(
        &[
            ("anna@example.com", "anna@example.com"),
            ("Write to <Anna.O'Neil+jw@mail.example.co.uk>.", "Anna.O'Neil+jw@mail.example.co.uk"),
            ("email=anna@example.com&x=1", "anna@example.com"),
            ("'anna@example.com'", "anna@example.com"),
            ("почта: анна@пример.рф, срочно", "анна@пример.рф"),
            ("a@xn--e1afmkfd.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai"),
            ("79991234567@example.com", "79991234567@example.com"),
            ("anna@example.com. Next", "anna@example.com"),
            ("anna@example.com-4111", "anna@example.com"),
            ("amqp://shop:secret@broker.example.com:5672/", "secret@broker.example.com"),
            ("a@b@example.com", "b@example.com"),
        ],
        Detector::Email,
    );
}

#[test]
fn telephone_numbers_are_found() {
    check(
        &[
            ("+7 999 123-45-67", "+7 999 123-45-67"),
            ("+79991234567", "+79991234567"),
            ("tel:+7(999)1234567;ext", "+7(999)1234567"),
            ("+7 999 123-45-67 100 pcs", "+7 999 123-45-67"),
            ("(+7) 999 123-45-67", "(+7) 999 123-45-67"),
            ("Phone (495) 123-45-67.", "(495) 123-45-67"),
            ("(4712) 12-34-56", "(4712) 12-34-56"),
            ("495 123-45-67, Anna", "495 123-45-67"),
            ("call 495 123-45-67 100 pcs", "495 123-45-67"),
            ("8-800-555-35-35", "8-800-555-35-35"),
            ("8 (800) 555-35-35", "8 (800) 555-35-35"),
            ("8 999 123 45 67", "8 999 123 45 67"),
            ("phone 89991234567", "89991234567"),
            ("\"79991234567\"", "79991234567"),
            ("8 9991234567", "8 9991234567"),
            ("555-123-4567", "555-123-4567"),
            ("1-555-123-4567", "1-555-123-4567"),
            ("+1 (555) 123-4567", "+1 (555) 123-4567"),
            ("+49 30 123456", "+49 30 123456"),
            ("+44.20.7946.0958", "+44.20.7946.0958"),
            ("375 29 123-45-67", "375 29 123-45-67"),
            ("+7\u{a0}999\u{a0}123\u{2011}45\u{2011}67", "+7\u{a0}999\u{a0}123\u{2011}45\u{2011}67"),
            ("(звонить 8 495 123-45-67)", "8 495 123-45-67"),
            ("x+7 999 123-45-67", "7 999 123-45-67"),
        ],
        Detector::Phone,
    );
}

#[test]
fn card_numbers_are_found() {
    check(
        &[
            ("4111111111111111", "4111111111111111"),
            ("4111 1111 1111 1111", "4111 1111 1111 1111"),
            ("4111-1111-1111-1111 12/27", "4111-1111-1111-1111"),
            ("card4111111111111111x", "4111111111111111"),
            ("paid 4111 1111 1111 1111 12 pieces", "4111 1111 1111 1111"),
            ("3782 822463 10005", "3782 822463 10005"),
            ("378282246310005", "378282246310005"),
            ("2200 0000 0000 0004", "2200 0000 0000 0004"),
            ("6304000000000000", "6304000000000000"),
            ("4222222222222", "4222222222222"),
            ("5,4111111111111111", "4111111111111111"),
            ("4111111111111111.00", "4111111111111111"),
            ("4111\u{2013}1111\u{2013}1111\u{2013}1111", "4111\u{2013}1111\u{2013}1111\u{2013}1111"),
        ],
        Detector::Card,
    );
    assert_eq!(found("41 11 11 11 11 11 11 11").len(), 1, "any even grouping, where there is nothing else");
}

#[test]
fn what_only_looks_alike_is_left_alone() {
    for text in [
        "JW-2026-001001",
        "ORD-495-123-4567",
        "order/495-123-4567",
        "495-123-4567-A",
        "2026-11-20T09:30:00Z",
        "2026-11-20T09:30:00.123456+03:00",
        "2026-11-20 09:30:00",
        "20.11.2026 09:30",
        "2026-11-20 2026-11-21",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-1234-1234-123456789012",
        "41111111-1111-4111-1111-111111111111",
        "00000000-0000-0000-0000-000000000000",
        "1 234 567 890",
        "12 345 678.90",
        "1,234,567,890.12",
        "123456789",
        "1763715600",
        "1763715600000",
        "1763715600000000",
        "1763715600000000000",
        "192.168.100.200",
        "192.168.10.10",
        "10.11.12.13:5672 -> 192.168.10.10:5672",
        "rabbit@node-1",
        "user@10.0.0.1",
        "@example.com",
        "anna@",
        "anna@localhost",
        "0.4111111111111111",
        "+55.7558263829, +37.6173",
        "4111111111111112",
        "0000000000000000",
        "41111111111111111111",
        "ca4111111111111111ca4111",
        "3.10.8",
        "100 200 3000 400",
        "amq.gen-JzTY20BRgKO-HjmUJj0wLg",
        "***41111111 11111111",
        "100 200 3000 ***12345678",
        "***12345678 100 200 3000",
        "***41111111-11111111",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn a_long_row_of_digits_takes_linear_time() {
    for text in ["1".repeat(1 << 20), "1 ".repeat(1 << 19), "(".repeat(1 << 20), "a@".repeat(1 << 19)] {
        assert_eq!(found(&text), []);
    }
}

/// Byte by byte, as it is meant.
fn first_suspect(detectors: Detectors, data: &[u8]) -> Option<usize> {
    let mut digits = 0;
    for (at, byte) in data.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'@' if detectors.email => return Some(at),
            b'\\' if data.get(at + 1) == Some(&b'u') && !detectors.is_empty() => return Some(at),
            b' ' | b'-' | b'.' | b'(' | b')' | 0x80.. => {}
            _ => digits = 0,
        }
        if digits == DIGITS_MIN && (detectors.phone || detectors.card) {
            return Some(at);
        }
    }
    None
}

proptest! {
    #[test]
    fn the_sweep_stops_at_the_first_sign_of_anything(
        data in proptest::collection::vec(prop_oneof![3 => b'0'..=b'9', 2 => Just(b' '), 1 => any::<u8>(), 1 => Just(b'@'), 1 => Just(b'\\'), 1 => Just(b'u')], 0..60),
        email in any::<bool>(), phone in any::<bool>(), card in any::<bool>(),
    ) {
        let detectors = Detectors { email, phone, card };
        prop_assert_eq!(detectors.first_suspect(&data), first_suspect(detectors, &data));
    }

    /// Only digits and signs: the worst surroundings for numbers.
    #[test]
    fn what_is_found_is_in_order_and_apart(text in "[0-9+() .@a*\\-]{0,60}|\\PC{0,40}") {
        let mut end = 0;
        for one in Detectors::ALL.find(&text) {
            prop_assert!(one.range.start >= end && one.range.end > one.range.start);
            prop_assert!(text.get(one.range.clone()).is_some());
            end = one.range.end;
        }
    }

    #[test]
    fn nothing_is_found_without_the_cheap_sweep_seeing_it(text in "[0-9+() .@a\\-]{0,40}") {
        if !Detectors::ALL.may_find(text.as_bytes()) {
            let padded = format!("{text} 79991234567");
            prop_assert!(Detectors::ALL.find(&padded).iter().all(|one| one.range.end > text.len()));
        }
    }
}
