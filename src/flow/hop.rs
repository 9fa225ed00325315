//! A hop: one publish, or one dead-lettering by the broker, with its outcome in each queue.

use crate::model::{Death, Event, Kind, Seq, SettlementKind, Source, Str, Timestamp};

use super::leg::{Leg, fill};

/// Events that a hop remembers: the first ones.
const EVENTS_MAX: usize = 64;
/// Queues of a hop. In a wider fan-out, only the events show the other queues.
const LEGS_MAX: usize = 256;

/// One publish, or one dead-lettering by the broker, with its outcome.
#[derive(Clone, Debug, Default)]
pub(super) struct Hop {
    pub(super) vhost: Option<Str>,
    /// The order that the hop belongs to. Several orders may share a message id.
    pub(super) order_id: Option<Str>,
    pub(super) exchange: Option<Str>,
    pub(super) routing_key: Option<Str>,
    /// The earliest time known of the publish, or the time of the death that the hop follows.
    pub(super) published_at: Option<Timestamp>,
    /// The time of the hop's earliest event.
    pub(super) first_at: Timestamp,
    pub(super) service: Option<Str>,
    pub(super) client_name: Option<Str>,
    pub(super) status: Option<Str>,
    pub(super) sources: Vec<Source>,
    /// The queue that dead-lettered the message. The broker then published it as this hop.
    pub(super) dead_lettered_from: Option<Str>,
    /// The queues that the message was routed to are known.
    pub(super) routing_known: bool,
    pub(super) unroutable: bool,
    /// The time at which the proxy saw the broker return the message, and the number of that event.
    pub(super) returned: Option<(Timestamp, Seq)>,
    /// The message reached no queue, and the order went on without it.
    pub(super) resolved: bool,
    pub(super) answer: Answer,
    /// The publish's number on its channel, if the publisher asked for confirms.
    pub(super) publish_tag: Option<u64>,
    pub(super) legs: Vec<Leg>,
    pub(super) events: Vec<Seq>,
}

/// The broker's answer to the publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// No answer was seen. The publisher may not have asked for confirms.
    #[default]
    Unknown,
    /// The publisher asked for a confirm, and no answer was seen.
    Awaited,
    /// The broker confirmed the publish: it took responsibility for the message.
    Confirmed(Timestamp),
    /// The broker refused the publish.
    Refused(Timestamp),
}

impl Hop {
    pub(super) fn leg(&self, queue: &Str) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.queue == *queue)
    }

    /// The leg of a queue, made if it is new; `None` if the hop has too many legs.
    pub(super) fn leg_mut(&mut self, queue: &Str) -> Option<&mut Leg> {
        let known = self.legs.iter().position(|leg| leg.queue == *queue);
        let index = match known {
            Some(index) => index,
            None if self.legs.len() >= LEGS_MAX => return None,
            None => {
                // Most hops have one leg, and messages are many: spare capacity would cost memory.
                self.legs.reserve_exact(1);
                self.legs.push(Leg::new(queue.clone()));
                self.legs.len() - 1
            }
        };
        self.legs.get_mut(index)
    }

    /// The hop and an event of this order may be joined. Events of different orders are never joined. An event that
    /// names no order may belong to any hop.
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

    /// A client published the message, and a source saw the publish.
    pub(super) fn is_seen_publish(&self) -> bool {
        self.dead_lettered_from.is_none() && !self.sources.is_empty()
    }

    /// The event's source saw a client publish the message to the event's address.
    pub(super) fn is_publish_of(&self, event: &Event) -> bool {
        self.dead_lettered_from.is_none() && self.sources.contains(&event.source) && self.is_to(event)
    }

    /// The hop is known from deliveries only, so far.
    pub(super) fn is_implied_by_delivery(&self) -> bool {
        self.sources.is_empty() && self.published_at.is_none() && self.legs.iter().all(|leg| leg.death.is_none())
    }

    pub(super) fn published(&mut self, event: &Event) {
        self.published_at = Some(self.published_at.unwrap_or(event.at).min(event.at));
        self.sources.push(event.source);
        self.unroutable |= event.kind == Kind::Unroutable;
        let client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
        if event.source == Source::Proxy {
            // The proxy sees the session itself. Its names replace those of an earlier source.
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

    /// No answer of the broker was seen, and one may still come.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.answer, Answer::Unknown | Answer::Awaited)
    }

    /// The confirm's number is the number of this publish.
    pub(super) fn is_numbered(&self, tag: Option<u64>) -> bool {
        tag.is_some() && self.publish_tag == tag
    }

    /// Takes in the broker's answer to the publisher.
    pub(super) fn answered(&mut self, event: &Event) {
        let refused = event.settlement.is_some_and(|settlement| settlement.kind != SettlementKind::Ack);
        self.answer = if refused { Answer::Refused(event.at) } else { Answer::Confirmed(event.at) };
    }

    /// Takes in a return: no queue took the message.
    pub(super) fn came_back(&mut self, at: Timestamp, seq: Seq) {
        (self.returned, self.unroutable, self.routing_known) = (Some((at, seq)), true, true);
    }

    /// Takes the return off this publish, because another publish was returned. Gives the return's time and event
    /// number.
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

    /// Remembers an event of this hop. `true`: the event is the first with the status that the hop announces.
    pub(super) fn note(&mut self, event: &Event) -> bool {
        self.first_at = self.first_at.min(event.at);
        if self.dead_lettered_from.is_none() {
            // No event of a hop can precede its publish.
            self.published_at = self.published_at.map(|at| at.min(self.first_at));
        }
        self.add_event(event.seq);
        fill(&mut self.order_id, &event.order_id);
        // A message that the broker moved announces no status. Its delivery may be seen before the death that it
        // follows.
        let moved = event.kind == Kind::Deliver && event.header("x-death").is_some();
        let announces = self.dead_lettered_from.is_none() && !moved && self.status.is_none();
        if announces {
            self.status.clone_from(&event.status);
        }
        announces && self.status.is_some()
    }
}
