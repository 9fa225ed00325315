//! Pulls order id, customer id, status and service out of an event, by the configured rules.
//!
//! Owns the trial of a rule: for each key in order, the first that matches wins. Does not know the origin and the use
//! of events. Reads no clock and performs no I/O. It runs before anything is masked or cut, on the one thread that
//! writes the journal. One pass over the body finds all paths that are only names, without parsing it into a tree. For
//! others the body is parsed once at most. That the body was JSON is handed on to `redact`.

mod body;
mod found;
mod members;
mod text;

#[cfg(test)]
mod tests;

pub use found::{Findings, Memo};

use crate::config::{Correlate, Place, Property, Rule};
use crate::model::{BodyFormat, Event, Str};

use body::Body;
use found::RuleNumber;
use members::Members;
use text::{bounded, header_text, is_key, json_text};

/// The rules, ready to be applied.
#[derive(Clone, Debug)]
pub struct Correlator {
    rules: Vec<(Key, Vec<Prepared>)>,
    members: Members,
}

#[derive(Clone, Debug)]
struct Prepared {
    number: RuleNumber,
    rule: Rule,
    /// Of its path among the members, if it is only names.
    slot: Option<usize>,
}

/// What is shared by the rules that are tried on one event.
struct Looked<'a> {
    body: Body,
    findings: &'a mut Findings,
    memo: &'a mut Memo,
}

impl Correlator {
    /// With the rules of `[correlate]`.
    #[must_use]
    pub fn new(rules: &Correlate) -> Self {
        let mut members = Members::default();
        let mut number = 0;
        let mut prepare = |rule: &Rule| {
            let path = if let Place::Body(path) = &rule.place { path.members() } else { None };
            let slot = path.map(|path| members.add(&path));
            number += 1;
            Prepared { number: number - 1, rule: rule.clone(), slot }
        };
        let rules = [
            (Key::OrderId, &rules.order_id),
            (Key::CustomerId, &rules.customer_id),
            (Key::Status, &rules.status),
            (Key::Service, &rules.service),
        ];
        let rules = rules.map(|(key, rules)| (key, rules.iter().map(&mut prepare).collect())).into();
        Correlator { rules, members }
    }

    /// Fills in what the rules find and the event does not have yet. Returns what came out about the body's format.
    pub fn apply(&self, event: &mut Event) -> BodyFormat {
        self.apply_with(event, &mut Findings::default(), &mut Memo::default())
    }

    /// The same with what was found earlier: in the same body (`findings`), and in the same names (`memo`). That is not
    /// looked for again; what is found now is added.
    pub fn apply_with(&self, event: &mut Event, findings: &mut Findings, memo: &mut Memo) -> BodyFormat {
        let mut looked = Looked { body: Body::default(), findings, memo };
        for (key, rules) in &self.rules {
            if key.of(event).is_none()
                && let Some(found) = rules.iter().find_map(|rule| self.try_rule(rule, event, &mut looked))
            {
                *key.of(event) = Some(found);
            }
        }
        looked.body.format()
    }

    fn try_rule(&self, prepared: &Prepared, event: &Event, looked: &mut Looked<'_>) -> Option<Str> {
        let Prepared { number, rule, slot } = prepared;
        if !rule.kinds.is_empty() && !rule.kinds.contains(&event.kind) {
            return None;
        }
        let Looked { body, findings, memo } = looked;
        let session = event.session.as_ref();
        let mut take_name = |name: &Option<Str>| {
            let name = name.as_ref()?;
            memo.of(*number, name, || take(rule, name))
        };
        match &rule.place {
            Place::Header(name) => take(rule, &header_text(event.header(name)?)?),
            Place::Property(property) => take_shared(rule, property_text(*property, event).as_ref()?),
            Place::Body(path) => findings.of(*number, || match slot {
                Some(slot) => take(rule, body.member(&self.members, *slot, event)?),
                None => path.select(body.tree(event)?).into_iter().find_map(|value| take(rule, &json_text(value)?)),
            }),
            Place::RoutingKey => take_name(&event.routing_key),
            Place::Exchange => take_name(&event.exchange),
            Place::Queue => take_name(&event.queue),
            Place::ClientName => take_name(&session?.client_name),
            Place::User => take_name(&session?.user),
        }
    }
}

/// The fields that rules fill in.
#[derive(Clone, Copy, Debug)]
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

fn property_text(property: Property, event: &Event) -> &Option<Str> {
    match property {
        Property::MessageId => &event.message_id,
        Property::CorrelationId => &event.correlation_id,
        Property::ReplyTo => &event.reply_to,
        Property::Type => &event.type_,
        Property::AppId => &event.app_id,
        Property::UserId => &event.properties.user_id,
    }
}

/// What the rule makes of a property: mostly the same text, which need not be copied.
fn take_shared(rule: &Rule, text: &Str) -> Option<Str> {
    let whole = rule.pattern.is_none() && rule.value.is_none() && is_key(text);
    if whole { Some(text.clone()) } else { take(rule, text) }
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
