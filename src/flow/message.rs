//! One message: its hops, joined from what the sources saw of it.
//!
//! # How events are joined
//!
//! - The n-th publish that one source saw to an exchange with a key is the n-th that any other source saw there.
//! - A delivery belongs to the oldest hop that owes one to its queue; one that is marked as redelivered, to the newest
//!   that gave one. A delivery or death without a hop makes one, which a later publish event completes.
//! - A death belongs to the newest hop that has the queue. It makes a hop of its own for the way that the broker then
//!   sends the message, through the dead-letter exchange.

use crate::model::{Death, Event, Kind, MessageKey, Seq, Settlement, Source, Str, Timestamp};

/// Hops kept of one message; a message that is retried for ever goes on in the newest.
const HOPS_MAX: usize = 64;
/// Events remembered by a hop.
const EVENTS_MAX: usize = 64;

/// What is known of one message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) key: MessageKey,
    pub(super) order_id: Option<Str>,
    pub(super) hops: Vec<Hop>,
    /// Time of the newest event.
    pub(super) last_at: Timestamp,
}

/// One publish, or one dead-lettering by the broker, with what became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hop {
    pub(super) vhost: Option<Str>,
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
    pub(super) deliveries: u64,
    pub(super) first_delivered_at: Option<Timestamp>,
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) service: Option<Str>,
    pub(super) client_name: Option<Str>,
    pub(super) redelivered: bool,
    /// Settlements of this leg can be seen.
    pub(super) settles: bool,
    pub(super) settled: Option<(Timestamp, Settlement)>,
    pub(super) death: Option<(Timestamp, Death)>,
    pub(super) resolved: bool,
}

impl Message {
    pub(super) fn new(key: MessageKey) -> Self {
        Message { key, order_id: None, hops: Vec::new(), last_at: Timestamp::default() }
    }

    /// Takes in an event of this message. `true`: it is the first sign of a publish.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        self.last_at = self.last_at.max(event.at);
        if self.order_id.is_none() {
            self.order_id.clone_from(&event.order_id);
        }
        let index = match event.kind {
            Kind::Publish | Kind::Unroutable => return self.publish(event),
            Kind::Deliver => self.deliver(event),
            Kind::DeadLetter => self.dead_letter(event),
            Kind::Settle => self.settle(event),
            Kind::Confirm => self.confirm(event),
            Kind::Return => self.returned(event),
            Kind::SessionOpen | Kind::SessionClose | Kind::Topology | Kind::Gap => None,
        };
        if let Some(hop) = index.and_then(|index| self.hops.get_mut(index)) {
            hop.note(event);
        }
        false
    }

    fn publish(&mut self, event: &Event) -> bool {
        let seen =
            |hop: &Hop| hop.dead_lettered_from.is_none() && !hop.sources.contains(&event.source) && hop.is_to(event);
        let known = self.hops.iter().position(seen);
        let index = known.unwrap_or_else(|| self.add_hop(event));
        let Some(hop) = self.hops.get_mut(index) else { return false };
        let is_new = hop.sources.is_empty();
        hop.published(event);
        hop.note(event);
        if is_new {
            self.resolve(index, |_| true);
        }
        is_new
    }

    fn deliver(&mut self, event: &Event) -> Option<usize> {
        let queue = event.queue.clone()?;
        let again = event.redelivered == Some(true);
        let gave = |hop: &Hop| hop.leg(&queue).is_some_and(|leg| leg.deliveries > 0 && leg.death.is_none());
        let owes = |hop: &Hop| hop.leg(&queue).is_some_and(|leg| leg.deliveries == 0 && leg.death.is_none());
        let may_owe = |hop: &Hop| !hop.routing_known && hop.leg(&queue).is_none() && hop.is_to(event);
        let redelivered = if again { self.hops.iter().rposition(gave) } else { None };
        let index = redelivered
            .or_else(|| self.hops.iter().position(owes))
            .or_else(|| self.hops.iter().position(may_owe))
            .unwrap_or_else(|| self.add_hop(event));
        self.hops.get_mut(index)?.leg_mut(&queue).delivered(event);
        // A message that comes back to a queue it has been in is on its way again.
        self.resolve(index, |died_in| died_in == &queue);
        Some(index)
    }

    fn dead_letter(&mut self, event: &Event) -> Option<usize> {
        let death = event.death.clone()?;
        let same = |leg: &Leg| {
            leg.death.as_ref().is_some_and(|(_, known)| known.reason == death.reason && known.count == death.count)
        };
        let known = self.hops.iter().rposition(|hop| hop.leg(&death.queue).is_some_and(same));
        let index = known.unwrap_or_else(|| {
            let alive = |hop: &Hop| hop.leg(&death.queue).is_some_and(|leg| leg.death.is_none());
            let may_have = |hop: &Hop| !hop.routing_known && hop.is_to_exchange(&death);
            let hop = self.hops.iter().rposition(alive).or_else(|| self.hops.iter().rposition(may_have));
            hop.unwrap_or_else(|| self.add_hop_before(&death, event))
        });
        if known.is_none() {
            let leg = self.hops.get_mut(index)?.leg_mut(&death.queue);
            leg.death = Some((event.at, death));
            self.follow_death(event);
        }
        Some(index)
    }

    /// The way through the dead-letter exchange is a hop; a delivery may have made it already.
    fn follow_death(&mut self, event: &Event) {
        let implied = |hop: &Hop| hop.sources.is_empty() && hop.published_at.is_none() && hop.is_to(event);
        let index = self.hops.iter().rposition(implied).unwrap_or_else(|| self.add_hop(event));
        if let Some(hop) = self.hops.get_mut(index) {
            hop.dead_lettered_from.clone_from(&event.queue);
            hop.status = None;
            hop.published_at = Some(event.at);
            hop.sources = vec![event.source];
        }
    }

    fn settle(&mut self, event: &Event) -> Option<usize> {
        let (queue, settlement) = (event.queue.as_ref()?, event.settlement?);
        let open = |hop: &Hop| hop.leg(queue).is_some_and(|leg| leg.deliveries > 0 && leg.settled.is_none());
        let index = self.hops.iter().rposition(open)?;
        let leg = self.hops.get_mut(index)?.leg_mut(queue);
        leg.settles = true;
        leg.settled = Some((event.at, settlement));
        Some(index)
    }

    fn confirm(&mut self, event: &Event) -> Option<usize> {
        let index = self.hops.iter().position(|hop| hop.confirmed_at.is_none() && hop.is_to(event))?;
        self.hops.get_mut(index)?.confirmed_at = Some(event.at);
        Some(index)
    }

    fn returned(&mut self, event: &Event) -> Option<usize> {
        let index = self.hops.iter().position(|hop| !hop.unroutable && hop.is_to(event))?;
        self.hops.get_mut(index)?.unroutable = true;
        Some(index)
    }

    /// Deaths of earlier hops are made good by the hop at `index`, where `made_good` says so of their queue.
    fn resolve(&mut self, index: usize, made_good: impl Fn(&Str) -> bool) {
        let came_back = self
            .hops
            .iter()
            .take(index)
            .any(|hop| hop.legs.iter().any(|leg| leg.death.is_some() && made_good(&leg.queue)));
        if came_back {
            let deaths = self.hops.iter_mut().take(index).flat_map(|hop| &mut hop.legs);
            deaths.filter(|leg| leg.death.is_some()).for_each(|leg| leg.resolved = true);
        }
    }

    fn add_hop(&mut self, event: &Event) -> usize {
        let hop = Hop {
            vhost: event.vhost.clone(),
            exchange: event.exchange.clone(),
            routing_key: event.routing_key.clone(),
            first_at: event.at,
            ..Hop::default()
        };
        self.push_hop(hop, self.hops.len())
    }

    /// The hop that a death tells of, before the ones that followed from it.
    fn add_hop_before(&mut self, death: &Death, event: &Event) -> usize {
        let hop = Hop {
            vhost: event.vhost.clone(),
            exchange: Some(death.exchange.clone()),
            routing_key: death.routing_keys.first().cloned(),
            first_at: event.at,
            ..Hop::default()
        };
        let followed = self.hops.iter().position(|hop| hop.published_at.is_none() && hop.is_to(event));
        self.push_hop(hop, followed.unwrap_or(self.hops.len()))
    }

    fn push_hop(&mut self, hop: Hop, index: usize) -> usize {
        if self.hops.len() >= HOPS_MAX {
            return self.hops.len() - 1;
        }
        self.hops.insert(index, hop);
        index
    }
}

impl Hop {
    pub(super) fn leg(&self, queue: &Str) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.queue == *queue)
    }

    #[expect(clippy::indexing_slicing, reason = "the index was found, or is that of what was pushed")]
    fn leg_mut(&mut self, queue: &Str) -> &mut Leg {
        let index = self.legs.iter().position(|leg| leg.queue == *queue).unwrap_or_else(|| {
            self.legs.push(Leg { queue: queue.clone(), ..Leg::default() });
            self.legs.len() - 1
        });
        &mut self.legs[index]
    }

    fn is_to(&self, event: &Event) -> bool {
        self.exchange == event.exchange && self.routing_key == event.routing_key && self.vhost == event.vhost
    }

    fn is_to_exchange(&self, death: &Death) -> bool {
        self.exchange.as_ref() == Some(&death.exchange)
            && self.routing_key.as_ref().is_none_or(|key| death.routing_keys.contains(key))
    }

    fn published(&mut self, event: &Event) {
        self.published_at = Some(self.published_at.map_or(event.at, |at| at.min(event.at)));
        self.sources.push(event.source);
        self.unroutable |= event.kind == Kind::Unroutable;
        fill(&mut self.service, &event.service);
        let client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
        fill(&mut self.client_name, &client_name);
        if let Some(queues) = &event.routed_queues {
            self.routing_known = true;
            for queue in queues {
                self.leg_mut(queue);
            }
        }
    }

    fn note(&mut self, event: &Event) {
        self.first_at = self.first_at.min(event.at);
        if self.dead_lettered_from.is_none() {
            fill(&mut self.status, &event.status);
        }
        if self.events.len() < EVENTS_MAX {
            self.events.push(event.seq);
        }
    }
}

impl Leg {
    fn delivered(&mut self, event: &Event) {
        self.deliveries += 1;
        self.first_delivered_at.get_or_insert(event.at);
        self.delivered_at = Some(event.at);
        self.redelivered |= event.redelivered == Some(true);
        self.settles |= event.source == Source::Proxy;
        self.settled = None;
        self.service.clone_from(&event.service);
        self.client_name = event.session.as_ref().and_then(|session| session.client_name.clone());
    }

    /// The consumer gave it back.
    pub(super) fn requeued(&self) -> bool {
        self.settled.is_some_and(|(_, settlement)| settlement.requeue)
    }
}

fn fill(slot: &mut Option<Str>, value: &Option<Str>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
