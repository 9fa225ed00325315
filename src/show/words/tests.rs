//! The files of a language against the declarations; moments and lengths.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};

use super::language::{ENGLISH, Words};
use super::messages::{Kind, declared};
use crate::model::Timestamp;

/// The parts of a message in a file.
#[derive(Clone, Debug, Default)]
struct Parts {
    /// Arguments that stand in the text.
    shown: BTreeSet<String>,
    /// Arguments that choose, with the keys of their variants.
    choosing: BTreeSet<(String, Vec<String>)>,
    /// Other messages that stand in this one.
    messages: BTreeSet<String>,
}

impl Parts {
    fn add(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.add_expression(expression);
            }
        }
    }

    fn add_expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.add_inline(inline),
            Expression::Select { selector, variants } => {
                let InlineExpression::VariableReference { id } = selector else { panic!("{selector:?} chooses") };
                let keys = variants.iter().map(|variant| match variant.key {
                    VariantKey::Identifier { name } => name.to_owned(),
                    VariantKey::NumberLiteral { value } => value.to_owned(),
                });
                self.choosing.insert((id.name.to_owned(), keys.collect()));
                variants.iter().for_each(|variant| self.add(&variant.value));
            }
        }
    }

    fn add_inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.shown.insert(id.name.to_owned());
            }
            InlineExpression::MessageReference { id, attribute: None } => {
                self.messages.insert(id.name.to_owned());
            }
            InlineExpression::Placeable { expression } => self.add_expression(expression),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            other => panic!("{other:?} is not read by this test"),
        }
    }

    /// These parts, with the parts of the messages in them.
    fn whole(&self, file: &BTreeMap<String, Parts>) -> Parts {
        let mut whole = self.clone();
        for id in &self.messages {
            let part = file.get(id).unwrap_or_else(|| panic!("{id} stands in a message and is in no file")).whole(file);
            whole.shown.extend(part.shown);
            whole.choosing.extend(part.choosing);
            whole.messages.extend(part.messages);
        }
        whole
    }
}

/// The messages of a language by their ids. Fails if a file cannot be read, or if an id stands twice.
fn read(texts: &[&'static str]) -> BTreeMap<String, Parts> {
    let mut messages = BTreeMap::new();
    for text in texts {
        let file = fluent_syntax::parser::parse(*text).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
        for entry in &file.body {
            let Entry::Message(message) = entry else { continue };
            let mut parts = Parts::default();
            parts.add(message.value.as_ref().unwrap_or_else(|| panic!("{} has no text", message.id.name)));
            let twice = messages.insert(message.id.name.to_owned(), parts);
            assert!(twice.is_none(), "{} stands twice", message.id.name);
        }
    }
    messages
}

/// The fault of a message, as it is used with `arguments`.
fn wrong(id: &str, arguments: &[(String, Kind)], file: &BTreeMap<String, Parts>) -> Option<String> {
    let Some(parts) = file.get(id) else { return Some(format!("{id} is in no file")) };
    let parts = parts.whole(file);
    let kinds: BTreeMap<&str, Kind> = arguments.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    for name in &parts.shown {
        match kinds.get(name.as_str()) {
            Some(Kind::Text | Kind::Count) => {}
            other => return Some(format!("{id} shows ${name}, which is {other:?}")),
        }
    }
    for (name, keys) in &parts.choosing {
        let fits = |key: &String| match kinds.get(name.as_str()) {
            Some(Kind::Count) => {
                key.parse::<u64>().is_ok() || ["zero", "one", "two", "few", "many", "other"].contains(&key.as_str())
            }
            Some(Kind::Choice(choices)) => choices.contains(&key.as_str()),
            Some(Kind::Text) | None => false,
        };
        if let Some(key) = keys.iter().find(|key| !fits(key)) {
            return Some(format!("{id} chooses by ${name}, which is {:?} and never {key}", kinds.get(name.as_str())));
        }
    }
    let used = |name: &str| parts.shown.contains(name) || parts.choosing.iter().any(|(chooses, _)| chooses == name);
    let unused = kinds.keys().find(|name| !used(name));
    unused.map(|name| format!("{id} does not use ${name}"))
}

#[test]
fn every_message_exists_is_used_and_has_its_arguments() {
    let (file, declared) = (read(&ENGLISH), declared());
    let found: Vec<String> = declared.iter().filter_map(|(id, arguments)| wrong(id, arguments, &file)).collect();
    assert!(found.is_empty(), "{found:#?}");
    let ids: BTreeSet<&str> = declared.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), declared.len(), "a message is declared twice");
    let within: BTreeSet<String> = ids.iter().flat_map(|id| file[*id].whole(&file).messages).collect();
    let unused: Vec<&String> = file.keys().filter(|id| !ids.contains(id.as_str()) && !within.contains(*id)).collect();
    assert!(unused.is_empty(), "nobody uses {unused:?}");
}

#[test]
fn what_does_not_agree_is_found() {
    let file =
        read(&["greeting = Hello { $name }, { many }\nmany = { $count ->\n    [one] one\n   *[other] more\n}\n"]);
    let (name, count) = (("name".to_owned(), Kind::Text), ("count".to_owned(), Kind::Count));
    assert_eq!(wrong("greeting", &[name.clone(), count.clone()], &file), None);
    let faults = [
        wrong("farewell", &[], &file),
        wrong("greeting", std::slice::from_ref(&name), &file),
        wrong("greeting", &[name.clone(), ("count".to_owned(), Kind::Text)], &file),
        wrong("greeting", &[name.clone(), ("count".to_owned(), Kind::Choice(&["one", "two"]))], &file),
        wrong("greeting", &[name, count, ("age".to_owned(), Kind::Count)], &file),
    ];
    assert!(faults.iter().all(Option::is_some), "{faults:?}");
}

#[test]
fn lengths_have_two_units_at_most() {
    let cases = [
        (0.0, "0 ms"),
        (0.0004, "0 ms"),
        (0.0006, "1 ms"),
        (0.003, "3 ms"),
        (0.9999, "999 ms"),
        (8.0, "8 s"),
        (59.9, "59 s"),
        (250.0, "4 min 10 s"),
        (2520.0, "42 min"),
        (3600.0, "1 h"),
        (7380.9, "2 h 3 min"),
        (86_400.0, "1 d"),
        (187_300.0, "2 d 4 h"),
        (3_456_000.0, "40 d"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(Words::english().length(Duration::from_secs_f64(seconds)), expected, "{seconds}");
    }
}

#[test]
fn moments_are_dates_with_a_time() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let words = Words::english();
    assert_eq!(words.moment(at("2026-11-21T02:00:00.123456Z")), "21 Nov 2026, 02:00:00 UTC");
    assert_eq!(words.moment_bare(at("2026-05-01T23:59:59.999999Z")), "1 May 2026, 23:59:59.999");
    let months = (1..=12).map(|month| words.moment_bare(at(&format!("2026-{month:02}-01T00:00:00Z"))));
    let months: Vec<String> = months.map(|text| text.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(months.join(" "), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec");
}
