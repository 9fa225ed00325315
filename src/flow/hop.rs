//! A hop: one publish, or one dead-lettering by the broker, with what became of it in each queue.

use crate::model::{Death, Event, Kind, Seq, SettlementKind, Source, Str, Timestamp};

use super::leg::{Leg, fill};

/// Events remembered by a hop.
const EVENTS_MAX: usize = 64;
/// Queues of a hop; what a wider fan-out does in the others is in the events only.
const LEGS_MAX: usize = 256;

/// One publish, or one dead-lettering by the broker, with what became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hop {
    pub(super) vhost: Option<Str>,
    /// The order it belongs to: orders may share a message id.
    pub(super) order_id: Option<Str>,
    pub(super) exchange: Option<Str>,
    pub(super) routing_key: Option<Str>,
    /// When it was first seen, by a publish, or as what followed from a death.
    pub(super) published_at: Option<Timestamp>,
    /// When anything was first seen of it.
    pub(super) first_at: Timestamp,
    pub(super) service: Option<Str>,
    pub(super) client_name: Option<Str>,
    pub(super) status: Option<Str>,
    pub(super) sources: Vec<Source>,
    /// The queue that gave it up, from which the broker sent it here.
    pub(super) dead_lettered_from: Option<Str>,
    /// Some source knows the queues it was routed to.
    pub(super) routing_known: bool,
    pub(super) unroutable: bool,
    /// When the proxy saw it come back to its publisher, and by which event.
    pub(super) returned: Option<(Timestamp, Seq)>,
    /// It reached no queue, and the order went on without it.
    pub(super) resolved: bool,
    pub(super) answer: Answer,
    /// Its number among the publishes of its channel, where the publisher asked for confirms.
    pub(super) publish_tag: Option<u64>,
    pub(super) legs: Vec<Leg>,
    pub(super) events: Vec<Seq>,
}

/// What the broker told the publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing that was seen; the publisher may not have asked.
    #[default]
    Unknown,
    /// The publisher asked for a confirm.
    Awaited,
    /// The broker took responsibility.
    Confirmed(Timestamp),
    /// The broker refused it.
    Refused(Timestamp),
}

impl Hop {
    pub(super) fn leg(&self, queue: &Str) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.queue == *queue)
    }

    /// The leg of a queue; `None` where there are too many.
    pub(super) fn leg_mut(&mut self, queue: &Str) -> Option<&mut Leg> {
        let known = self.legs.iter().position(|leg| leg.queue == *queue);
        let index = match known {
            Some(index) => index,
            None if self.legs.len() >= LEGS_MAX => return None,
            None => {
                // Mostly there is one, and messages are many.
                self.legs.reserve_exact(1);
                self.legs.push(Leg::new(queue.clone()));
                self.legs.len() - 1
            }
        };
        self.legs.get_mut(index)
    }

    /// Events of different orders are never joined; some events do not name theirs.
    pub(super) fn may_be_of(&self, order_id: Option<&Str>) -> bool {
        self.order_id.as_ref().zip(order_id).is_none_or(|(own, other)| own == other)
    }

    pub(super) fn is_to(&self, event: &Event) -> bool {
        self.exchange == event.exchange
            && self.routing_key == event.routing_key
            && self.vhost == event.vhost
            && self.may_be_of(event.order_id.as_ref())
    }

    pub(super) fn is_to_exchange(&self, death: &Death) -> bool {
        self.exchange.as_ref() == Some(&death.exchange)
            && self.routing_key.as_ref().is_none_or(|key| death.routing_keys.contains(key))
    }

    /// A client published it and some source saw that.
    pub(super) fn is_seen_publish(&self) -> bool {
        self.dead_lettered_from.is_none() && !self.sources.is_empty()
    }

    /// The event's source saw a client publish it to where the event says.
    pub(super) fn is_publish_of(&self, event: &Event) -> bool {
        self.dead_lettered_from.is_none() && self.sources.contains(&event.source) && self.is_to(event)
    }

    /// Only deliveries tell of it so far.
    pub(super) fn is_implied_by_delivery(&self) -> bool {
        self.sources.is_empty() && self.published_at.is_none() && self.legs.iter().all(|leg| leg.death.is_none())
    }

    pub(super) fn published(&mut self, event: &Event) {
        self.published_at = Some(self.published_at.unwrap_or(event.at).min(event.at));
        self.sources.push(event.source);
        self.unroutable |= event.kind == Kind::Unroutable;
        let client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
        if event.source == Source::Proxy {
            // The proxy sees the session itself: its word counts, whoever was first.
            self.service = event.service.clone().or_else(|| self.service.take());
            self.client_name = client_name.or_else(|| self.client_name.take());
            self.publish_tag = event.delivery_tag;
            if event.delivery_tag.is_some() {
                self.answer = Answer::Awaited;
            }
        } else {
            fill(&mut self.service, &event.service);
            fill(&mut self.client_name, &client_name);
        }
        if let Some(queues) = &event.routed_queues {
            self.routing_known = true;
            for queue in queues {
                let _ = self.leg_mut(queue);
            }
        }
    }

    /// The broker has told the publisher nothing that was seen, and still may.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.answer, Answer::Unknown | Answer::Awaited)
    }

    /// The number that a confirm names is this publish's.
    pub(super) fn is_numbered(&self, tag: Option<u64>) -> bool {
        tag.is_some() && self.publish_tag == tag
    }

    /// The broker answered the publisher.
    pub(super) fn answered(&mut self, event: &Event) {
        let refused = event.settlement.is_some_and(|settlement| settlement.kind != SettlementKind::Ack);
        self.answer = if refused { Answer::Refused(event.at) } else { Answer::Confirmed(event.at) };
    }

    /// It came back to its publisher: no queue took it.
    pub(super) fn came_back(&mut self, at: Timestamp, seq: Seq) {
        (self.returned, self.unroutable, self.routing_known) = (Some((at, seq)), true, true);
    }

    /// What came back was another one. When that was, and which event told of it.
    pub(super) fn take_return(&mut self) -> Option<(Timestamp, Seq)> {
        let (at, seq) = self.returned.take()?;
        self.unroutable = false;
        self.events.retain(|event| *event != seq);
        Some((at, seq))
    }

    pub(super) fn add_event(&mut self, seq: Seq) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(seq);
        }
    }

    /// Remembers an event of this hop. `true`: it is the first to tell a status that the hop announces.
    pub(super) fn note(&mut self, event: &Event) -> bool {
        self.first_at = self.first_at.min(event.at);
        if self.dead_lettered_from.is_none() {
            // Nothing can be seen of it before it is published.
            self.published_at = self.published_at.map(|at| at.min(self.first_at));
        }
        self.add_event(event.seq);
        fill(&mut self.order_id, &event.order_id);
        // What the broker moved announces nothing new; such a delivery may be seen before the death that it follows.
        let moved = event.kind == Kind::Deliver && event.header("x-death").is_some();
        let announces = self.dead_lettered_from.is_none() && !moved && self.status.is_none();
        if announces {
            self.status.clone_from(&event.status);
        }
        announces && self.status.is_some()
    }
}
