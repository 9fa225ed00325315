//! The parameters of a URL, read as a question. A known parameter may be given once; an unknown one is named in the
//! refusal.

use std::fmt;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::problem::Refusal;

/// The question that a URL's parameters ask. Empty values count as given.
pub(in crate::serve) struct Parameters<T>(pub(in crate::serve) T);

/// The question of a route that has no parameters.
#[derive(Debug, Deserialize)]
pub(in crate::serve) struct Nothing {}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        read(&parts.uri).map(Parameters)
    }
}

/// Reads the parameters of a URL. `T` is a struct; its fields are the parameters that are known.
fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(pairs) = pairs.map_err(|error| Refusal::BadQuery(error.body_text()))?;
    T::deserialize(Pairs(pairs)).map_err(|Wrong(text)| Refusal::BadQuery(text))
}

/// A fault in the parameters.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(String);

impl Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Wrong(text.to_string())
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Wrong(format!("{name:?} is not one of {}", known.join(", ")))
    }
}

/// Names with their values.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn check(&self, known: &[&str]) -> Result<(), Wrong> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Wrong(format!("{name:?} is not a parameter of this route; it knows {known}")));
            }
            if self.0.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Wrong(format!("{name} is given twice; give it once")));
            }
        }
        Ok(())
    }
}

impl<'de> Deserializer<'de> for Pairs {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Fields { pairs: self.0.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.check(fields)?;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The pairs one after the other: first the name, then the value.
struct Fields {
    pairs: std::vec::IntoIter<(String, String)>,
    value: Option<(String, String)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((name, text)) = self.pairs.next() else { return Ok(None) };
        let key = seed.deserialize(named(&name))?;
        self.value = Some((name, text));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (name, text) = self.value.take().unwrap_or_default();
        seed.deserialize(Text(text)).map_err(|Wrong(text)| Wrong(format!("{name}: {text}")))
    }
}

fn named(name: &str) -> StringDeserializer<Wrong> {
    name.to_owned().into_deserializer()
}

/// The value of a parameter.
struct Text(String);

impl<'de> Deserializer<'de> for Text {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.0.parse().map_err(Error::custom)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(named(&self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Asked {
        kind: Option<String>,
        limit: Option<usize>,
        order: Option<Order>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Desc,
        Asc,
    }

    fn asked<T: DeserializeOwned>(query: &str) -> Result<T, String> {
        read(&format!("/events?{query}").parse().unwrap()).map_err(|refusal| refusal.to_string())
    }

    fn refused(query: &str) -> String {
        asked::<Asked>(query).expect_err("a wrong query")
    }

    #[test]
    fn an_unknown_parameter_is_told_which_are_known() {
        assert_eq!(refused("knd=publish"), "\"knd\" is not a parameter of this route; it knows kind, limit, order");
        assert_eq!(refused("limit=1&limit=2"), "limit is given twice; give it once");
        let refused = asked::<Nothing>("kind=publish").expect_err("a route without parameters");
        assert_eq!(refused, "\"kind\" is not a parameter of this route; it knows none");
    }

    #[test]
    fn numbers_and_choices_are_checked() {
        assert_eq!(asked::<Asked>("").unwrap().limit, None);
        assert_eq!(
            asked::<Asked>("limit=7&order=asc").map(|asked| (asked.limit, asked.order)),
            Ok((Some(7), Some(Order::Asc)))
        );
        assert_eq!(asked::<Asked>("order=desc").unwrap().order, Some(Order::Desc));
        for wrong in ["limit=-1", "limit=", "limit=ten"] {
            assert!(refused(wrong).starts_with("limit: "), "{wrong}");
        }
        assert_eq!(refused("order=up"), "order: \"up\" is not one of desc, asc");
    }

    #[test]
    fn values_are_percent_decoded() {
        let asked: Asked = asked("kind=a%26b%20c%2B%1b").unwrap();
        assert_eq!(asked.kind.as_deref(), Some("a&b c+\u{1b}"));
    }
}
