//! A hop: one publish, or one dead-lettering by the broker, with what became of it in each queue.

use crate::model::{Death, Event, Kind, Seq, Settlement, Source, Str, Timestamp};

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
    /// The proxy saw it come back.
    pub(super) returned: bool,
    /// It reached no queue, and the order went on without it.
    pub(super) resolved: bool,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) legs: Vec<Leg>,
    pub(super) events: Vec<Seq>,
}

/// A hop in one queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Leg {
    pub(super) queue: Str,
    /// How often it was delivered, by the source that saw most.
    pub(super) deliveries: u64,
    /// How often each kind of source saw it delivered: the n-th delivery of one is the n-th of the other.
    by_taps: u64,
    by_proxy: u64,
    pub(super) first_delivered_at: Option<Timestamp>,
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) service: Option<Str>,
    pub(super) client_name: Option<Str>,
    pub(super) redelivered: bool,
    /// Settlements of this leg can be seen.
    pub(super) settles: bool,
    pub(super) settled: Option<(Timestamp, Settlement)>,
    pub(super) death: Option<Box<(Timestamp, Death)>>,
    pub(super) resolved: bool,
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
                self.legs.push(Leg { queue: queue.clone(), ..Leg::default() });
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
        self.published_at = Some(self.published_at.unwrap_or(self.first_at).min(event.at));
        self.sources.push(event.source);
        self.unroutable |= event.kind == Kind::Unroutable;
        fill(&mut self.service, &event.service);
        let client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
        fill(&mut self.client_name, &client_name);
        if let Some(queues) = &event.routed_queues {
            self.routing_known = true;
            for queue in queues {
                let _ = self.leg_mut(queue);
            }
        }
    }

    /// Remembers an event of this hop. `true`: it is the first to tell a status that the hop announces.
    pub(super) fn note(&mut self, event: &Event) -> bool {
        self.first_at = self.first_at.min(event.at);
        if self.events.len() < EVENTS_MAX {
            self.events.push(event.seq);
        }
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

impl Leg {
    pub(super) fn delivered(&mut self, event: &Event) {
        let is_proxy = event.source == Source::Proxy;
        let seen = if is_proxy { &mut self.by_proxy } else { &mut self.by_taps };
        *seen += 1;
        let client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
        if *seen > self.deliveries {
            self.deliveries = *seen;
            self.first_delivered_at.get_or_insert(event.at);
            self.delivered_at = Some(event.at);
            self.service.clone_from(&event.service);
            self.client_name = client_name;
        } else {
            fill(&mut self.service, &event.service);
            fill(&mut self.client_name, &client_name);
        }
        self.redelivered |= event.redelivered == Some(true);
        if is_proxy {
            // The proxy sees settlements, each after its delivery.
            self.settles = true;
            self.settled = None;
        }
    }

    /// How often `source` saw it delivered.
    pub(super) fn delivered_by(&self, source: Source) -> u64 {
        if source == Source::Proxy { self.by_proxy } else { self.by_taps }
    }

    /// `source` has a first delivery still to tell: sources lag, so a death may be known already.
    pub(super) fn owes(&self, source: Source) -> bool {
        let was_delivered = |death: &Death| self.deliveries > 0 || needs_delivery(&death.reason);
        self.delivered_by(source) == 0 && self.death.as_deref().is_none_or(|(_, death)| was_delivered(death))
    }

    /// The consumer gave it back.
    pub(super) fn requeued(&self) -> bool {
        self.settled.is_some_and(|(_, settlement)| settlement.requeue)
    }
}

/// Only what a consumer had can die of this reason.
pub(super) fn needs_delivery(reason: &str) -> bool {
    matches!(reason, "rejected" | "delivery_limit")
}

fn fill(slot: &mut Option<Str>, value: &Option<Str>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
