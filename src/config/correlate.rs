//! `[correlate]`: where in a message its order id, customer id, status and service stand.

use regex::Regex;
use serde::Deserialize;

use crate::model::{Kind, Str};

use super::{JsonPath, Problems};

/// For each key its rules; the first rule that matches wins.
#[derive(Clone, Debug, Default)]
pub struct Correlate {
    /// Order id.
    pub order_id: Vec<Rule>,
    /// Customer id.
    pub customer_id: Vec<Rule>,
    /// Order status.
    pub status: Vec<Rule>,
    /// The business system that acted.
    pub service: Vec<Rule>,
}

/// One rule: the place to look at, and the text to take.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where to look.
    pub place: Place,
    /// Must match there. Its first capture group is taken, or the whole match if it has none. Without a pattern the
    /// whole text is taken.
    pub pattern: Option<Regex>,
    /// Taken instead of the text that was found.
    pub value: Option<Str>,
    /// Events it applies to; empty: all.
    pub kinds: Vec<Kind>,
}

/// Where a rule looks.
#[derive(Clone, Debug)]
pub enum Place {
    /// A header, by its name; numbers and booleans as their text.
    Header(String),
    /// A property.
    Property(Property),
    /// A JSON path (RFC 9535) in the body; the first match, numbers and booleans as their text.
    Body(JsonPath),
    /// The routing key.
    RoutingKey,
    /// The exchange.
    Exchange,
    /// The queue.
    Queue,
    /// The name that the client gives itself.
    ClientName,
    /// The user that the client logged in as.
    User,
}

/// A property that a rule may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// `message_id`.
    MessageId,
    /// `correlation_id`.
    CorrelationId,
    /// `reply_to`.
    ReplyTo,
    /// `type`.
    Type,
    /// `app_id`.
    AppId,
    /// `user_id`.
    UserId,
}

/// Rules that find the order id, customer id, status and service of a message. Of several rules the first that
/// matches wins. A rule names one place: `header`, `property`, `body` (a JSON path), `routing_key`, `exchange`, `queue`,
/// `client_name` or `user`. docs/settings.md explains the places, and `pattern`, `value` and `kinds`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCorrelate {
    /// Rules for the order id.
    ///
    /// Default: `[]`
    order_id: Vec<RawRule>,
    /// Rules for the customer id.
    ///
    /// Default: `[]`
    customer_id: Vec<RawRule>,
    /// Rules for the status that a message announces.
    ///
    /// Default: `[]`
    status: Vec<RawRule>,
    /// Rules for the business system that acted.
    ///
    /// Default: `[]`
    service: Vec<RawRule>,
}

/// A rule names exactly one place to look at, and may have `pattern`, `value` and `kinds` besides. It takes the first
/// group of its regular expression, or the whole match if there is no group.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRule {
    /// Name of a header. Numbers and booleans count as their text.
    ///
    /// Default: none
    header: Option<String>,
    /// Name of a property.
    ///
    /// Values: `message_id`, `correlation_id`, `reply_to`, `type`, `app_id`, `user_id`
    ///
    /// Default: none
    property: Option<Property>,
    /// A JSON path (RFC 9535) in the body. The first match counts; numbers and booleans count as their text.
    ///
    /// Default: none
    body: Option<String>,
    /// A regular expression for the routing key.
    ///
    /// Default: none
    routing_key: Option<String>,
    /// A regular expression for the exchange.
    ///
    /// Default: none
    exchange: Option<String>,
    /// A regular expression for the queue.
    ///
    /// Default: none
    queue: Option<String>,
    /// A regular expression for the name that the client gives itself.
    ///
    /// Default: none
    client_name: Option<String>,
    /// A regular expression for the user that the client logged in as.
    ///
    /// Default: none
    user: Option<String>,
    /// A regular expression for the text of `header`, `property` or `body`.
    ///
    /// Default: none; the whole text is taken
    pattern: Option<String>,
    /// A text that is taken instead of the text that was found.
    ///
    /// Default: none
    value: Option<String>,
    /// The kinds of events that the rule is for; docs/api.md lists the kinds.
    ///
    /// Default: all kinds
    kinds: Vec<Kind>,
}

/// Each event tries all rules for one key, so their number is bounded.
const RULES_MAX: usize = 64;

impl RawCorrelate {
    pub(super) fn validate(self, problems: &mut Problems) -> Correlate {
        let mut rules = |name: &str, raw: Vec<RawRule>| -> Vec<Rule> {
            let key = format!("correlate.{name}");
            if raw.len() > RULES_MAX {
                problems.add(&key, format_args!("has {} rules; at most {RULES_MAX} are tried", raw.len()));
            }
            let rules = raw.into_iter().enumerate();
            rules.filter_map(|(index, rule)| rule.validate(&format!("{key}[{index}]"), problems)).collect()
        };
        Correlate {
            order_id: rules("order_id", self.order_id),
            customer_id: rules("customer_id", self.customer_id),
            status: rules("status", self.status),
            service: rules("service", self.service),
        }
    }
}

impl RawRule {
    fn validate(self, key: &str, problems: &mut Problems) -> Option<Rule> {
        let named = [
            ("routing_key", self.routing_key, Place::RoutingKey),
            ("exchange", self.exchange, Place::Exchange),
            ("queue", self.queue, Place::Queue),
            ("client_name", self.client_name, Place::ClientName),
            ("user", self.user, Place::User),
        ];
        let mut places: Vec<(Place, Option<(&str, String)>)> = Vec::new();
        places.extend(self.header.map(|name| (Place::Header(name), None)));
        places.extend(self.property.map(|property| (Place::Property(property), None)));
        if let Some(path) = self.body {
            let parsed = problems.check(format!("{key}.body"), JsonPath::parse(&path));
            places.push((Place::Body(parsed?), None));
        }
        places.extend(named.into_iter().filter_map(|(name, text, place)| text.map(|text| (place, Some((name, text))))));
        if places.len() != 1 {
            let text = "names one place to look: header, property, body, routing_key, exchange, queue, client_name \
                        or user";
            problems.add(key, format_args!("{text}; this rule names {}", places.len()));
            return None;
        }
        let (place, own_pattern) = places.pop()?;
        let pattern = match (own_pattern, self.pattern) {
            (Some(_), Some(_)) => {
                problems.add(format!("{key}.pattern"), "goes with header, property and body only");
                return None;
            }
            (Some((name, text)), None) => Some((format!("{key}.{name}"), text)),
            (None, Some(text)) => Some((format!("{key}.pattern"), text)),
            (None, None) => None,
        };
        let pattern = match pattern {
            Some((key, text)) => Some(problems.check(key, regex(&text))?),
            None => None,
        };
        Some(Rule { place, pattern, value: self.value.map(Str::from), kinds: self.kinds })
    }
}

/// The parser's message draws the pattern first, and ends with the reason.
fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let drawn = error.to_string();
        let reason = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("{text:?} is not a regular expression: {reason}")
    })
}
