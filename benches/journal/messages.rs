//! The messages of `fixtures/messages.json` as templates that are filled in quickly, with what masking leaves of the
//! customers' data.

use std::collections::BTreeMap;
use std::fmt::Write;

use hoptrail::model::Str;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One kind of message.
pub struct Message {
    pub service: Str,
    pub exchange: Str,
    pub key: Str,
    pub queues: Vec<Str>,
    pub status: Option<Str>,
    pub expiration: Option<Str>,
    pub headers: Vec<(Str, Text)>,
    pub body: Text,
}

/// Text with places to be filled in.
pub struct Text(Vec<Part>);

enum Part {
    Fixed(String),
    Order,
    Customer,
    Product,
    Metal,
    Polygons,
    Minutes,
    Price,
    Now,
    /// A masked value, by its place among the customer's.
    Masked(u64),
}

/// What is filled in.
pub struct Values<'a> {
    pub order: &'a str,
    pub customer: &'a str,
    /// Everything else follows from it.
    pub hash: u64,
    pub micros: i64,
}

#[derive(Deserialize)]
struct Raw {
    by: String,
    exchange: String,
    key: String,
    to: Vec<String>,
    status: Option<String>,
    expiration: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Box<RawValue>,
}

const PRODUCTS: [&str; 7] =
    ["wedding band", "pendant", "signet ring", "bracelet", "cufflinks", "brooch", "engagement ring"];
const METALS: [&str; 3] = ["platinum", "silver 925", "18k gold"];

/// Reads one kind of message from the fixture.
pub fn message(name: &str) -> Message {
    let all: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(include_str!("../../fixtures/messages.json")).unwrap();
    let raw: Raw = serde_json::from_str(all[name].get()).unwrap();
    let texts = |texts: Vec<String>| texts.into_iter().map(Str::from).collect();
    Message {
        service: raw.by.into(),
        exchange: raw.exchange.into(),
        key: raw.key.into(),
        queues: texts(raw.to),
        status: raw.status.map(Str::from),
        expiration: raw.expiration.map(Str::from),
        headers: raw.headers.into_iter().map(|(name, text)| (name.into(), Text::parse(&text))).collect(),
        body: Text::parse(&one_line(raw.body.get())),
    }
}

/// JSON on one line, spaced as most libraries write it.
fn one_line(json: &str) -> String {
    let (mut line, mut in_text) = (String::new(), false);
    for character in json.chars() {
        in_text ^= character == '"';
        match character {
            ' ' | '\n' if !in_text => {}
            ',' | ':' if !in_text => line.extend([character, ' ']),
            _ => line.push(character),
        }
    }
    // Numbers stand in quotes in the fixture, so that it is JSON itself.
    for number in ["{price}", "{polygons}", "{minutes}"] {
        line = line.replace(&format!("\"{number}\""), number);
    }
    line
}

impl Text {
    fn parse(text: &str) -> Text {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut fixed = String::new();
        while let Some(first) = rest.chars().next() {
            if let Some((part, length)) = place(rest) {
                parts.push(Part::Fixed(std::mem::take(&mut fixed)));
                parts.push(part);
                rest = &rest[length..];
            } else {
                fixed.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        parts.push(Part::Fixed(fixed));
        Text(parts)
    }

    /// Appends the text with the values in their places.
    pub fn fill(&self, values: &Values<'_>, out: &mut String) {
        let hash = values.hash;
        for part in &self.0 {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Order => out.push_str(values.order),
                Part::Customer => out.push_str(values.customer),
                Part::Product => out.push_str(PRODUCTS[(hash % 7) as usize]),
                Part::Metal => out.push_str(METALS[(hash / 7 % 3) as usize]),
                Part::Polygons => write!(out, "{}", 10_000 + hash / 21 % 50_000).unwrap(),
                Part::Minutes => write!(out, "{}", 60 + hash / 1_050_000 % 300).unwrap(),
                Part::Price => write!(out, "{}.{}", 200 + hash / 31 % 2000, hash / 62_000 % 100).unwrap(),
                Part::Now => now(values.micros, out),
                Part::Masked(place) => write!(out, "***{:08x}", super::load::mix(hash ^ place) as u32).unwrap(),
            }
        }
    }
}

/// The place to be filled in that `text` begins with, and its length.
fn place(text: &str) -> Option<(Part, usize)> {
    let name = text.strip_prefix('{')?.split('}').next()?;
    let part = match name {
        "id" => Part::Order,
        "customer.id" => Part::Customer,
        "product" => Part::Product,
        "metal" => Part::Metal,
        "polygons" => Part::Polygons,
        "minutes" => Part::Minutes,
        "price" => Part::Price,
        "now" => Part::Now,
        "customer.name" => Part::Masked(1),
        "customer.email" => Part::Masked(2),
        "customer.phone" => Part::Masked(3),
        "customer.address" => Part::Masked(4),
        "card" => Part::Masked(5),
        _ => return None,
    };
    Some((part, name.len() + 2))
}

/// A time of the bench's day, which is 2026-11-20 and begins at [`super::load::START_MICROS`].
fn now(micros: i64, out: &mut String) {
    let micros = micros - super::load::START_MICROS;
    let seconds = micros / 1_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(out, "2026-11-20T{hour:02}:{minute:02}:{second:02}.{:06}Z", micros % 1_000_000).unwrap();
}
