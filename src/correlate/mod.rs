//! Pulls order id, customer id, status and service out of an event, by the configured rules.
//!
//! Owns how a rule is tried: for each key in order, the first that matches wins. Knows nothing of where events come
//! from and where they go; reads no clock and performs no I/O. It runs before anything is masked or cut, on the one
//! thread that writes the journal, so a body is parsed once at most and the parsed form is handed on to `redact`.

mod body;
mod text;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::config::{Correlate, Place, Property, Rule};
use crate::model::{Event, Str};

use body::Body;
use text::{bounded, header_text, json_text};

/// The rules, ready to be applied.
#[derive(Clone, Debug)]
pub struct Correlator {
    rules: Correlate,
}

impl Correlator {
    /// With the rules of `[correlate]`.
    #[must_use]
    pub fn new(rules: &Correlate) -> Self {
        Correlator { rules: rules.clone() }
    }

    /// Fills in what the rules find and the event does not have yet. Returns the body as JSON where a rule needed it
    /// and it is JSON.
    pub fn apply(&self, event: &mut Event) -> Option<Value> {
        self.apply_with(event, &mut Findings::default())
    }

    /// The same for a body that was looked at before: what was found in it then is not looked for again. What is found
    /// now is added.
    pub fn apply_with(&self, event: &mut Event, findings: &mut Findings) -> Option<Value> {
        let mut body = Body::NotRead;
        let rules = &self.rules;
        for (rules, key) in [
            (&rules.order_id, Key::OrderId),
            (&rules.customer_id, Key::CustomerId),
            (&rules.status, Key::Status),
            (&rules.service, Key::Service),
        ] {
            if key.of(event).is_none()
                && let Some(found) = rules.iter().find_map(|rule| try_rule(rule, event, &mut body, findings))
            {
                *key.of(event) = Some(found);
            }
        }
        body.into_json()
    }
}

/// What the rules of one [`Correlator`] found in one body.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<(usize, Option<Str>)>);

impl Findings {
    fn of(&mut self, rule: &Rule, find: impl FnOnce() -> Option<Str>) -> Option<Str> {
        // A rule stays where it is as long as its correlator lives.
        let rule = std::ptr::from_ref(rule).addr();
        if let Some((_, found)) = self.0.iter().find(|(known, _)| *known == rule) {
            return found.clone();
        }
        let found = find();
        self.0.push((rule, found.clone()));
        found
    }
}

/// The fields that rules fill in.
#[derive(Clone, Copy)]
enum Key {
    OrderId,
    CustomerId,
    Status,
    Service,
}

impl Key {
    fn of(self, event: &mut Event) -> &mut Option<Str> {
        match self {
            Key::OrderId => &mut event.order_id,
            Key::CustomerId => &mut event.customer_id,
            Key::Status => &mut event.status,
            Key::Service => &mut event.service,
        }
    }
}

fn try_rule(rule: &Rule, event: &Event, body: &mut Body, findings: &mut Findings) -> Option<Str> {
    if !rule.kinds.is_empty() && !rule.kinds.contains(&event.kind) {
        return None;
    }
    let session = event.session.as_ref();
    match &rule.place {
        Place::Header(name) => take(rule, &header_text(event.header(name)?)?),
        Place::Property(property) => take(rule, property_text(*property, event)?),
        Place::Body(path) => findings.of(rule, || {
            let json = body.json(event)?;
            path.select(json).into_iter().find_map(|value| take(rule, &json_text(value)?))
        }),
        Place::RoutingKey => take(rule, event.routing_key.as_deref()?),
        Place::Exchange => take(rule, event.exchange.as_deref()?),
        Place::Queue => take(rule, event.queue.as_deref()?),
        Place::ClientName => take(rule, session?.client_name.as_deref()?),
        Place::User => take(rule, session?.user.as_deref()?),
    }
}

fn property_text(property: Property, event: &Event) -> Option<&str> {
    match property {
        Property::MessageId => event.message_id.as_deref(),
        Property::CorrelationId => event.correlation_id.as_deref(),
        Property::ReplyTo => event.reply_to.as_deref(),
        Property::Type => event.type_.as_deref(),
        Property::AppId => event.app_id.as_deref(),
        Property::UserId => event.properties.user_id.as_deref(),
    }
}

/// What the rule makes of the text that stands in its place.
fn take(rule: &Rule, text: &str) -> Option<Str> {
    let found = match &rule.pattern {
        None if text.is_empty() => return None,
        None => text,
        Some(pattern) => {
            let captures = pattern.captures(text)?;
            // Group 0 is the whole match; a pattern with a group of its own that took no part found nothing.
            captures.get(pattern.captures_len().min(2) - 1)?.as_str()
        }
    };
    match &rule.value {
        Some(value) => Some(value.clone()),
        None if found.is_empty() => None,
        None => Some(bounded(found)),
    }
}
