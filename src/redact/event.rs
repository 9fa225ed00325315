//! Which fields of an event are masked, and how.

use serde_json::Value;

use crate::config::{ExemptId, Property};
use crate::model::{Body, BodyFormat, Event, Str};

use super::Masker;
use super::text::Pass;

/// A body as it was masked, and what that depended on.
#[derive(Clone, Debug)]
pub struct MaskedBody {
    exempt: Vec<Str>,
    encoding: Option<Str>,
    data: Vec<u8>,
    /// Nothing of it could be masked, so nothing is kept.
    is_left_out: bool,
    /// The values that were masked whole.
    whole: Vec<String>,
}

impl MaskedBody {
    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + self.whole.iter().map(String::len).sum::<usize>()
    }

    fn repeat(&self, body: &mut Body, whole: &mut Vec<String>) {
        body.data.clone_from(&self.data);
        body.truncated |= self.is_left_out;
        whole.extend_from_slice(&self.whole);
    }
}

impl Masker {
    /// Masks the whole event. `format` is what is known of its body; it is read here where that is nothing.
    pub fn apply(&self, event: &mut Event, format: BodyFormat) {
        self.apply_with(event, format, None);
    }

    /// The same for a body that may have been masked before, in another event: `known` is used where it is about the
    /// same. Returns what is to be known of this body, where `known` was not used. The caller answers for it that the
    /// bodies are equal.
    pub fn apply_with(&self, event: &mut Event, format: BodyFormat, known: Option<&MaskedBody>) -> Option<MaskedBody> {
        let pass = Pass { masker: self, exempt: self.exempt_texts(event) };
        // What is masked whole below is masked whole in the keys that were taken from it, too.
        let mut whole = self.mask_properties(event);
        pass.headers(event, &mut whole);
        let encoding = event.properties.content_encoding.clone();
        let mut fresh = None;
        if let Some(body) = &mut event.body {
            pass.field(&mut body.content_type);
            match known.filter(|known| known.exempt == pass.exempt && known.encoding == encoding) {
                Some(known) => known.repeat(body, &mut whole),
                None => {
                    let (before, had_bytes) = (whole.len(), !body.data.is_empty());
                    pass.body(body, encoding.as_deref(), format, &mut whole);
                    let whole = whole.get(before..).unwrap_or_default().to_vec();
                    let (data, is_left_out) = (body.data.clone(), had_bytes && body.data.is_empty());
                    fresh = Some(MaskedBody { exempt: pass.exempt.clone(), encoding, data, is_left_out, whole });
                }
            }
        }
        pass.keys(event, &whole);
        pass.texts(event);
        fresh
    }

    /// The event's own ids that stay readable. One that is masked whole by configuration does not.
    fn exempt_texts(&self, event: &Event) -> Vec<Str> {
        let ids = self.exempt.iter().filter_map(|id| match id {
            ExemptId::OrderId => event.order_id.clone(),
            ExemptId::MessageId if self.properties.contains(&Property::MessageId) => None,
            ExemptId::MessageId => event.message_id.clone(),
            ExemptId::CorrelationId if self.properties.contains(&Property::CorrelationId) => None,
            ExemptId::CorrelationId => event.correlation_id.clone(),
        });
        ids.filter(|id| !id.is_empty()).collect()
    }

    /// Masks the configured properties whole; returns what they were.
    fn mask_properties(&self, event: &mut Event) -> Vec<String> {
        let mut whole = Vec::new();
        for property in &self.properties {
            let field = match property {
                Property::MessageId => &mut event.message_id,
                Property::CorrelationId => &mut event.correlation_id,
                Property::ReplyTo => &mut event.reply_to,
                Property::Type => &mut event.type_,
                Property::AppId => &mut event.app_id,
                Property::UserId => &mut event.properties.user_id,
            };
            if let Some(text) = field {
                whole.push(text.to_string());
                *field = Some(self.mask_whole(text).into());
            }
        }
        whole
    }
}

impl Pass<'_> {
    /// The keys that rules took out of the event. A readable copy of a value that is masked whole elsewhere, or stands in
    /// one that is, would undo its mask; only the order id is exempt from that, where it is exempt at all.
    fn keys(&self, event: &mut Event, whole: &[String]) {
        let order_exempt = self.masker.exempt.contains(&ExemptId::OrderId);
        let is_whole = |text: &Str| whole.iter().any(|value| value.as_str() == &**text);
        // A word like a status stands in many places; an id that stands there is that one.
        let is_within = |text: &Str| whole.iter().any(|value| stands_in(value, text));
        let fields = [
            (&mut event.order_id, !order_exempt, true),
            (&mut event.customer_id, true, true),
            (&mut event.status, true, false),
            (&mut event.service, true, false),
        ];
        for (field, follows, is_id) in fields {
            match field {
                Some(text) if follows && (is_whole(text) || (is_id && is_within(text))) => {
                    *field = Some(self.masker.mask_whole(text).into())
                }
                _ => self.field(field),
            }
        }
    }

    fn texts(&self, event: &mut Event) {
        for field in [
            &mut event.routing_key,
            &mut event.message_id,
            &mut event.correlation_id,
            &mut event.reply_to,
            &mut event.type_,
            &mut event.app_id,
            &mut event.properties.user_id,
            &mut event.properties.content_encoding,
            &mut event.properties.expiration,
        ] {
            self.field(field);
        }
        if let Some(session) = &mut event.session {
            self.field(&mut session.user);
            self.field(&mut session.client_name);
        }
        self.each(&mut event.routing_keys);
        if let Some(death) = &mut event.death {
            self.each(&mut death.routing_keys);
        }
        if let Some(returned) = &mut event.returned {
            self.one(&mut returned.text);
        }
        if let Some(gap) = &mut event.gap {
            self.one(&mut gap.cause);
        }
        if let Some(topology) = &mut event.topology {
            self.one(&mut topology.detail);
        }
        if let Some(close) = &mut event.close {
            self.one(&mut close.text);
        }
    }

    fn each(&self, texts: &mut [Str]) {
        texts.iter_mut().for_each(|text| self.one(text));
    }

    pub(super) fn one(&self, text: &mut Str) {
        if let Some(masked) = self.text(text) {
            *text = masked.into();
        }
    }
}

/// The text is that of a string or a number within an object or an array.
fn stands_in(container: &str, text: &str) -> bool {
    // Most values are neither.
    if !container.starts_with(['{', '[']) {
        return false;
    }
    let Ok(container) = serde_json::from_str::<Value>(container) else { return container.contains(text) };
    let mut values = vec![&container];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(members) => values.extend(members.values()),
            Value::Array(items) => values.extend(items),
            Value::String(string) if string == text => return true,
            Value::Number(number) if number.to_string() == text => return true,
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    false
}
