//! A question as the parameters of a URL.

use serde::Serialize;
use serde_json::Value;

/// The parameters that are given, by their names, in the order of the names.
#[must_use]
pub fn pairs(question: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(question) else { return Vec::new() };
    let text = |value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?)));
    let mut pairs: Vec<_> = given.collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::{Events, Order};

    #[test]
    fn parameters_that_are_not_given_are_left_out() {
        let question = Events {
            service: Some(String::new()),
            limit: Some(7),
            order: Some(Order::Asc),
            cursor: Some("AQ".into()),
            ..Events::default()
        };
        let pairs = pairs(&question);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("cursor", "AQ"), ("limit", "7"), ("order", "asc"), ("service", "")]);
    }
}
