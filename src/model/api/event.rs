//! An event as the API shows it.

use serde::{Deserialize, Serialize};

use crate::model::json::text;
use crate::model::value::{base64, table_to_json};
use crate::model::{Body, Event, Kind, Open, Properties, Session, Settlement, Source, Str, Timestamp, Topology};

use super::{DeathView, GapView};

/// One event. Times are RFC 3339 in UTC with microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventView {
    /// Number in the journal.
    pub seq: u64,
    /// When it was observed.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// It happened earlier than `at`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub observed_late: bool,
    /// What happened.
    pub kind: Open<Kind>,
    /// Where it was observed.
    pub source: Open<Source>,
    /// Virtual host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<Str>,
    /// The business system that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Str>,
    /// The connection that acted: `connection`, `user`, `client_name`, `channel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<serde_json::Value>,
    /// Exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Str>,
    /// Routing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Str>,
    /// All routing keys, where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routing_keys: Vec<Str>,
    /// Queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Str>,
    /// Queues the publish was routed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routed_queues: Option<Vec<Str>>,
    /// Property `message_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Str>,
    /// `fp:` and 32 hexadecimal digits; `/messages/{id}` takes it where there is no message id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Property `correlation_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Str>,
    /// Property `reply_to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Str>,
    /// Property `type`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<Str>,
    /// Property `app_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<Str>,
    /// Further properties, by their AMQP names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<serde_json::Value>,
    /// Order id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Str>,
    /// Customer id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Str>,
    /// Order status that the message announces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Str>,
    /// Delivered before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redelivered: Option<bool>,
    /// Delivery tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_tag: Option<u64>,
    /// `kind`, `requeue`, `multiple`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// `code`, `text`.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub returned: Option<serde_json::Value>,
    /// Where and why the message was dead-lettered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub death: Option<DeathView>,
    /// Headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<serde_json::Value>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyView>,
    /// What was not observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapView>,
    /// What changed: `change`, `detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
    /// The consumer that the message was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_tag: Option<Str>,
    /// How a session ended: `by` (`client`, `broker`, `hoptrail`), `code`, `text`, `unsettled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<serde_json::Value>,
}

/// A body: `text` where it is UTF-8, else `base64`; neither in lists of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BodyView {
    /// Length as published.
    pub bytes: u64,
    /// Keyed digest of the whole body, in hexadecimal.
    pub digest: String,
    /// Property `content_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Str>,
    /// Less is shown than was published.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The body, masked, where it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl EventView {
    /// An event without its body's content, for lists.
    #[must_use]
    pub fn brief(event: &Event) -> Self {
        let mut view = Self::full(event);
        if let Some(body) = &mut view.body {
            body.text = None;
            body.base64 = None;
        }
        view
    }

    /// An event with all that is kept of it.
    #[must_use]
    pub fn full(event: &Event) -> Self {
        EventView {
            seq: event.seq.0,
            at: event.at,
            observed_late: event.observed_late,
            kind: event.kind.into(),
            source: event.source.into(),
            vhost: event.vhost.clone(),
            service: event.service.clone(),
            session: event.session.as_ref().map(session),
            exchange: event.exchange.clone(),
            routing_key: event.routing_key.clone(),
            routing_keys: event.routing_keys.clone(),
            queue: event.queue.clone(),
            routed_queues: event.routed_queues.clone(),
            message_id: event.message_id.clone(),
            fingerprint: event.fingerprint.map(|fingerprint| fingerprint.to_string()),
            correlation_id: event.correlation_id.clone(),
            reply_to: event.reply_to.clone(),
            type_: event.type_.clone(),
            app_id: event.app_id.clone(),
            properties: properties(&event.properties),
            order_id: event.order_id.clone(),
            customer_id: event.customer_id.clone(),
            status: event.status.clone(),
            redelivered: event.redelivered,
            delivery_tag: event.delivery_tag,
            settlement: event.settlement,
            returned: event.returned.as_ref().map(without_nulls),
            death: event.death.as_ref().map(DeathView::from),
            headers: (!event.headers.is_empty()).then(|| table_to_json(&event.headers)),
            body: event.body.as_ref().map(BodyView::from),
            gap: GapView::of(event),
            topology: event.topology.clone(),
            consumer_tag: event.consumer_tag.clone(),
            close: event.close.as_ref().map(without_nulls),
        }
    }
}

impl From<&Body> for BodyView {
    fn from(body: &Body) -> Self {
        let text = std::str::from_utf8(&body.data).ok().map(str::to_owned);
        BodyView {
            bytes: body.len,
            digest: body.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            content_type: body.content_type.clone(),
            truncated: body.truncated,
            base64: if text.is_none() { Some(base64(&body.data)) } else { None },
            text,
        }
    }
}

fn session(session: &Session) -> serde_json::Value {
    without_nulls(session)
}

fn properties(properties: &Properties) -> Option<serde_json::Value> {
    (*properties != Properties::default()).then(|| without_nulls(properties))
}

fn without_nulls<T: Serialize>(value: &T) -> serde_json::Value {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(fields)) => fields.into_iter().filter(|(_, field)| !field.is_null()).collect(),
        Ok(other) => other,
        Err(_) => serde_json::Value::Null,
    }
}
