//! The filter: the events that a search wants, and the index term that leads to them.

use crate::journal::Term;
use crate::model::{Event, Kind, MessageKey, Source, Str};
use crate::question;

use super::error::BadQuestion;
use super::read::parse;

/// The fields that an event must have. `None`: any value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    kind: Option<Kind>,
    source: Option<Source>,
    exchange: Option<Str>,
    queue: Option<Str>,
    service: Option<Str>,
    order_id: Option<Str>,
    message: Option<MessageKey>,
    correlation_id: Option<Str>,
    vhost: Option<Str>,
    status: Option<Str>,
}

impl Filter {
    /// Reads the filter of a search.
    pub(super) fn read(asked: &question::Events) -> Result<Self, BadQuestion> {
        let text = |text: &Option<String>| text.as_deref().map(Str::from);
        Ok(Filter {
            kind: parse("kind", asked.kind.as_deref())?,
            source: parse("source", asked.source.as_deref())?,
            exchange: text(&asked.exchange),
            queue: text(&asked.queue),
            service: text(&asked.service),
            order_id: text(&asked.order_id),
            message: asked.message_id.as_deref().map(MessageKey::parse),
            correlation_id: text(&asked.correlation_id),
            vhost: text(&asked.vhost),
            status: text(&asked.status),
        })
    }

    /// The most selective term that every wanted event carries. `None`: all events must be looked at.
    pub(super) fn term(&self) -> Option<Term> {
        let message = self.message.as_ref().map(|key| match key {
            MessageKey::Id(id) => Term::MessageId(id.clone()),
            MessageKey::Fingerprint(fingerprint) => Term::Fingerprint(*fingerprint),
        });
        let order = || self.order_id.clone().map(Term::OrderId);
        let correlation = || self.correlation_id.clone().map(Term::CorrelationId);
        let kind = || {
            let kind = self.kind.filter(|kind| Term::is_rare(*kind))?;
            match &self.queue {
                // The index has a dead letter under the queue that gave the message up; `queue` asks for the same
                // queue.
                Some(queue) if kind == Kind::DeadLetter => Some(Term::KindQueue(kind, queue.clone())),
                _ => Some(Term::Kind(kind)),
            }
        };
        message.or_else(order).or_else(correlation).or_else(kind)
    }

    /// The event is wanted.
    pub(super) fn matches(&self, event: &Event) -> bool {
        let is = |wanted: &Option<Str>, found: &Option<Str>| wanted.is_none() || wanted == found;
        self.kind.is_none_or(|kind| kind == event.kind)
            && self.source.is_none_or(|source| source == event.source)
            && is(&self.service, &event.service)
            && is(&self.order_id, &event.order_id)
            && is(&self.correlation_id, &event.correlation_id)
            && is(&self.vhost, &event.vhost)
            && is(&self.status, &event.status)
            && self.message.as_ref().is_none_or(|key| is_message(key, event))
            && self.exchange.as_ref().is_none_or(|exchange| is_exchange(exchange, event))
            && self.queue.as_ref().is_none_or(|queue| is_queue(queue, event))
    }
}

fn is_message(key: &MessageKey, event: &Event) -> bool {
    match key {
        MessageKey::Id(id) => event.message_id.as_ref() == Some(id),
        MessageKey::Fingerprint(fingerprint) => event.fingerprint == Some(*fingerprint),
    }
}

/// A dead letter concerns the exchange that it went to, and the exchange of the original publish.
fn is_exchange(exchange: &Str, event: &Event) -> bool {
    let published_to = event.death.as_ref().filter(|_| event.kind == Kind::DeadLetter).map(|death| &death.exchange);
    event.exchange.as_ref() == Some(exchange) || published_to == Some(exchange)
}

/// A publish concerns the queues that it was routed to. A dead letter concerns the queue that gave the message up.
fn is_queue(queue: &Str, event: &Event) -> bool {
    match &event.death {
        Some(death) if event.kind == Kind::DeadLetter => death.queue == *queue,
        _ => event.queue.as_ref() == Some(queue) || event.routed_queues.iter().flatten().any(|routed| routed == queue),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, event};
    use super::*;
    use crate::model::Death;

    const PARAMETERS: [&str; 10] = [
        "kind",
        "exchange",
        "queue",
        "service",
        "order_id",
        "message_id",
        "correlation_id",
        "source",
        "vhost",
        "status",
    ];

    fn filter(query: &str) -> Filter {
        Filter::read(&asked(query)).unwrap()
    }

    #[test]
    fn the_most_selective_term_leads() {
        let cases = [
            ("kind=dead_letter&order_id=A&message_id=m", Some(Term::MessageId("m".into()))),
            ("kind=dead_letter&order_id=A&correlation_id=c", Some(Term::OrderId("A".into()))),
            ("kind=dead_letter&correlation_id=c", Some(Term::CorrelationId("c".into()))),
            ("kind=dead_letter&queue=q", Some(Term::KindQueue(Kind::DeadLetter, "q".into()))),
            ("kind=gap&queue=q", Some(Term::Kind(Kind::Gap))),
            ("kind=publish&queue=q", None),
            ("", None),
        ];
        for (query, expected) in cases {
            assert_eq!(filter(query).term(), expected, "{query}");
        }
    }

    #[test]
    fn each_field_is_compared() {
        let mut found = event(Kind::Publish, 1);
        found.exchange = Some("orders".into());
        found.routed_queues = Some(vec!["crm".into()]);
        found.service = Some("Shop".into());
        found.message_id = Some("m-1".into());
        found.vhost = Some("/".into());
        found.status = Some("SUBMITTED".into());
        let right = "kind=publish&exchange=orders&queue=crm&service=Shop&message_id=m-1&vhost=/&status=SUBMITTED";
        assert!(filter(right).matches(&found));
        assert!(filter("source=binding").matches(&found));
        for wrong in PARAMETERS.map(|name| match name {
            "kind" => "kind=deliver".to_owned(),
            "source" => "source=proxy".to_owned(),
            name => format!("{name}=other"),
        }) {
            assert!(!filter(&wrong).matches(&found), "{wrong}");
        }
    }

    #[test]
    fn a_dead_letter_belongs_to_the_queue_that_gave_it_up() {
        let mut found = event(Kind::DeadLetter, 1);
        found.exchange = Some("dlx".into());
        found.queue = Some("dlq".into());
        found.death = Some(Death {
            queue: "mes".into(),
            reason: "rejected".into(),
            exchange: "orders".into(),
            routing_keys: vec![],
            count: 1,
            first_at: None,
        });
        for (query, expected) in
            [("queue=mes", true), ("queue=dlq", false), ("exchange=dlx", true), ("exchange=orders", true)]
        {
            assert_eq!(filter(query).matches(&found), expected, "{query}");
        }
    }
}
