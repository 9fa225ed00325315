//! One message: its hops, joined from the reports of the sources.
//!
//! # How events are joined
//!
//! - Sources lag behind each other. The events of one source come in order.
//! - The n-th publish to an exchange with a routing key is the same publish for every source.
//! - A delivery belongs to the oldest hop with its address and queue whose delivery its source has not reported. A
//!   redelivery belongs to the newest hop that had a delivery from the queue. A delivery or a death without a hop makes
//!   a hop, and a later publish event completes it.
//! - The proxy also sees the ends of deliveries, and the broker's answers to publishers. A settlement belongs to the
//!   delivery with its session, channel and delivery tag. A confirm belongs to the publish with its number, if that is
//!   known.
//! - A death belongs to a delivery that a consumer rejected, else to the newest publish that it fits. Of that publish's
//!   hops, it belongs to the oldest one without a death in the queue. The reason: a message that came back to the queue
//!   had died there before. A death makes a hop of its own: the broker's move of the message through the dead-letter
//!   exchange.

use std::cmp::Reverse;
use std::time::Duration;

use crate::model::{Death, Event, Kind, LegState, MessageKey, Source, Str, Timestamp};

use super::hop::{Answer, Hop};
use super::leg::{Leg, needs_delivery};

/// Hops kept of one message. If a message is retried for ever, its first and its newest hops remain.
const HOPS_MAX: usize = 64;
/// The broker gives the time of a death in whole seconds.
const DEATH_TIME_UNIT: Duration = Duration::from_secs(1);

/// One message, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) key: MessageKey,
    pub(super) hops: Vec<Hop>,
    /// Time of the newest event.
    pub(super) last_at: Timestamp,
}

impl Message {
    pub(super) fn new(key: MessageKey) -> Self {
        Message { key, hops: Vec::new(), last_at: Timestamp::default() }
    }

    /// Takes in an event of this message. Returns the hop if the event is the first with the status that the hop
    /// announces.
    pub(super) fn apply(&mut self, event: &Event) -> Option<&Hop> {
        self.last_at = self.last_at.max(event.at);
        let index = match event.kind {
            Kind::Publish | Kind::Unroutable => self.publish(event),
            Kind::Deliver => self.deliver(event),
            Kind::DeadLetter => self.dead_letter(event),
            Kind::Settle => self.settle(event),
            Kind::Confirm => self.confirm(event),
            Kind::Return => self.returned(event),
            Kind::SessionOpen | Kind::SessionClose | Kind::Topology | Kind::Gap => None,
        };
        let hop = self.hops.get_mut(index?)?;
        hop.note(event).then_some(&*hop)
    }

    fn publish(&mut self, event: &Event) -> Option<usize> {
        let seen =
            |hop: &Hop| hop.dead_lettered_from.is_none() && !hop.sources.contains(&event.source) && hop.is_to(event);
        let known = self.hops.iter().position(seen);
        let index = known.unwrap_or_else(|| self.add_hop(event));
        let hop = self.hops.get_mut(index)?;
        let is_new = hop.sources.is_empty();
        hop.published(event);
        if is_new {
            self.resolve(index, |_| true);
        }
        self.move_return(index, event);
        Some(index)
    }

    fn deliver(&mut self, event: &Event) -> Option<usize> {
        let queue = event.queue.as_ref()?;
        let gave = |hop: &Hop, alive: bool| {
            let gave = |leg: &Leg| leg.delivered_by(event.source) > 0 && !(alive && leg.death.is_some());
            hop.is_to(event) && hop.leg(queue).is_some_and(gave)
        };
        let owes =
            |hop: &Hop| hop.is_to(event) && hop.leg(queue).map_or(!hop.routing_known, |leg| leg.owes(event.source));
        let again = event.redelivered == Some(true);
        let newest = |alive| self.hops.iter().rposition(|hop| again && gave(hop, alive));
        let given_back = |hop: &Hop| hop.is_to(event) && hop.leg(queue).is_some_and(Leg::is_given_back);
        // If a queue holds the same message twice, the proxy knows the one that was requeued.
        let known = (again && event.source == Source::Proxy).then(|| self.hops.iter().rposition(given_back)).flatten();
        let index = known
            .or_else(|| newest(true))
            .or_else(|| newest(false))
            .or_else(|| self.hops.iter().position(owes))
            .unwrap_or_else(|| self.add_hop(event));
        if let Some(leg) = self.hops.get_mut(index)?.leg_mut(queue) {
            leg.delivered(event);
        }
        // A message that comes back to an earlier queue is on its way again.
        self.resolve(index, |died_in| died_in == queue);
        Some(index)
    }

    fn dead_letter(&mut self, event: &Event) -> Option<usize> {
        let death = event.death.as_ref()?;
        let same = |leg: &Leg| {
            leg.death.as_deref().is_some_and(|(_, known)| {
                known.reason == death.reason && known.count == death.count && known.first_at == death.first_at
            })
        };
        let told = |hop: &Hop| hop.may_be_of(event.order_id.as_ref()) && hop.leg(&death.queue).is_some_and(same);
        if let Some(known) = self.hops.iter().rposition(told) {
            return Some(known);
        }
        let index = self.dying(death, event).unwrap_or_else(|| self.add_hop_before(death, event));
        let leg = self.hops.get_mut(index)?.leg_mut(&death.queue)?;
        leg.death = Some(Box::new((died_at(death, event), death.clone())));
        leg.resolved = false;
        self.follow_death(index, event)
    }

    /// The known hop that a death belongs to.
    fn dying(&self, death: &Death, event: &Event) -> Option<usize> {
        // A first death carries its own time.
        let latest = death.first_at.filter(|_| death.count == 1).map(|at| at.after(DEATH_TIME_UNIT));
        let mut publish = (true, 0);
        let mut best = None;
        for (index, hop) in self.hops.iter().enumerate() {
            if hop.is_seen_publish() {
                let in_time = latest.is_none_or(|latest| hop.published_at <= Some(latest));
                publish = (in_time, publish.1 + 1);
            }
            if !hop.may_be_of(event.order_id.as_ref()) {
                continue;
            }
            let fits = match hop.leg(&death.queue) {
                // An acknowledged message is gone from its queue.
                Some(leg) if leg.death.is_some() || leg.state() == LegState::Settled => continue,
                Some(leg) if leg.state() == LegState::Dropped && &*death.reason == "rejected" => 3,
                Some(leg) => 1 + u8::from(leg.deliveries() > 0 || !needs_delivery(&death.reason)),
                None if !hop.routing_known && hop.is_to_exchange(death) => 0,
                None => continue,
            };
            best = best.max(Some((fits, publish, Reverse(index))));
        }
        best.map(|(_, _, Reverse(index))| index)
    }

    /// Adds the hop through the dead-letter exchange. A delivery may have made that hop already, even at a place before
    /// the hop that died. Returns the new place of the hop at `index`.
    fn follow_death(&mut self, index: usize, event: &Event) -> Option<usize> {
        let implied = |hop: &Hop| hop.is_implied_by_delivery() && hop.is_to(event);
        let known = self.hops.iter().enumerate().position(|(at, hop)| at != index && implied(hop));
        let (died, follows) = match known {
            Some(known) if known < index => {
                let hop = self.hops.remove(known);
                // Most messages have one hop, and messages are many: spare capacity would cost memory.
                self.hops.reserve_exact(1);
                self.hops.insert(index, hop);
                (index - 1, index)
            }
            Some(known) => (index, known),
            None => {
                let dropped = usize::from(self.hops.len() >= HOPS_MAX);
                // Hops of deliveries that were seen too early come after this one.
                let later = |(at, hop): (usize, &Hop)| at > index && hop.is_implied_by_delivery();
                let place = self.hops.iter().enumerate().position(later).unwrap_or(self.hops.len());
                let follows = self.push_hop(hop_of(event), place);
                (index.saturating_sub(dropped), follows)
            }
        };
        let hop = self.hops.get_mut(follows)?;
        hop.dead_lettered_from.clone_from(&event.queue);
        hop.status = None;
        hop.published_at = Some(event.at);
        hop.sources = vec![event.source];
        let back_in: Vec<Str> =
            hop.legs.iter().filter(|leg| leg.deliveries() > 0).map(|leg| leg.queue.clone()).collect();
        self.resolve(follows, |died_in| back_in.contains(died_in));
        Some(died)
    }

    fn settle(&mut self, event: &Event) -> Option<usize> {
        let (queue, settlement) = (event.queue.as_ref()?, event.settlement?);
        let newest = |fits: &dyn Fn(&Leg) -> bool| {
            let fits = |hop: &Hop| hop.may_be_of(event.order_id.as_ref()) && hop.leg(queue).is_some_and(fits);
            self.hops.iter().rposition(fits)
        };
        if let Some(index) = newest(&|leg| leg.is_settled_by(event)) {
            self.hops.get_mut(index)?.leg_mut(queue)?.settle(event.at, settlement);
            return Some(index);
        }
        // The settled delivery is not the latest one. The delivery after it has counted it already.
        newest(&|leg| leg.delivered_by(event.source) > 0)
    }

    fn confirm(&mut self, event: &Event) -> Option<usize> {
        let waits = |hop: &Hop| hop.is_unanswered() && hop.is_publish_of(event);
        let numbered = self.hops.iter().position(|hop| waits(hop) && hop.is_numbered(event.delivery_tag));
        let index = numbered.or_else(|| self.hops.iter().position(waits))?;
        self.hops.get_mut(index)?.answered(event);
        Some(index)
    }

    /// Takes in a return. It comes before the confirm of its publish.
    fn returned(&mut self, event: &Event) -> Option<usize> {
        let waits = |hop: &Hop| hop.returned.is_none() && hop.is_unanswered() && hop.is_publish_of(event);
        let hop = self.hops.iter().position(|hop| waits(hop) && hop.legs.is_empty());
        let index = hop.or_else(|| self.hops.iter().position(waits))?;
        self.hops.get_mut(index)?.came_back(event.at, event.seq);
        Some(index)
    }

    /// Moves a return from the publish at `index` to another publish. A tap reported that the publish at `index`
    /// reached queues. So the returned publish was one that reached no queue.
    fn move_return(&mut self, index: usize, event: &Event) {
        if !self.hops.get(index).is_some_and(|hop| hop.returned.is_some() && !hop.legs.is_empty()) {
            return;
        }
        let fits = |hop: &Hop| {
            hop.returned.is_none()
                && hop.legs.is_empty()
                && hop.sources.contains(&Source::Proxy)
                && hop.dead_lettered_from.is_none()
                && hop.is_to(event)
        };
        let Some(other) = self.hops.iter().position(fits) else { return };
        let told = self.hops.get_mut(index).and_then(Hop::take_return);
        if let Some(((at, seq), hop)) = told.zip(self.hops.get_mut(other)) {
            hop.came_back(at, seq);
            hop.add_event(seq);
        }
    }

    /// No delivery of the hop from the leg's queue is expected: the broker refused the publish, and it was repeated. A
    /// delivery may belong to either of the two publishes.
    pub(super) fn is_made_up_for(&self, hop: &Hop, leg: &Leg) -> bool {
        let is_refused = |hop: &Hop| matches!(hop.answer, Answer::Refused(_));
        let newest = self.hops.iter().rfind(|hop| hop.dead_lettered_from.is_none());
        let again = is_refused(hop) && newest.is_some_and(|newest| !std::ptr::eq(newest, hop));
        let taken_instead = |other: &Hop| {
            let taken = other.leg(&leg.queue).is_some_and(|leg| leg.deliveries() > 0);
            is_refused(other) && taken && other.exchange == hop.exchange && other.routing_key == hop.routing_key
        };
        leg.deliveries() == 0 && (again || self.hops.iter().any(taken_instead))
    }

    /// Marks the deaths of hops before `index` as resolved, if `made_good` accepts the queue of one of them.
    fn resolve(&mut self, index: usize, made_good: impl Fn(&Str) -> bool) {
        let order_id = self.hops.get(index).and_then(|hop| hop.order_id.clone());
        let of_this_order = |hop: &Hop| hop.may_be_of(order_id.as_ref());
        let died = |leg: &Leg| leg.death.is_some() && made_good(&leg.queue);
        let mut earlier = self.hops.iter().take(index).filter(|hop| of_this_order(hop));
        if earlier.any(|hop| hop.legs.iter().any(died)) {
            let earlier = self.hops.iter_mut().take(index).filter(|hop| of_this_order(hop));
            let legs = earlier.flat_map(|hop| &mut hop.legs);
            legs.filter(|leg| leg.death.is_some()).for_each(|leg| leg.resolved = true);
        }
    }

    fn add_hop(&mut self, event: &Event) -> usize {
        self.push_hop(hop_of(event), self.hops.len())
    }

    /// Adds the hop that died, before the hops that followed from its death.
    fn add_hop_before(&mut self, death: &Death, event: &Event) -> usize {
        let hop = Hop {
            exchange: Some(death.exchange.clone()),
            routing_key: death.routing_keys.first().cloned(),
            ..hop_of(event)
        };
        let followed = self.hops.iter().position(|hop| hop.is_implied_by_delivery() && hop.is_to(event));
        self.push_hop(hop, followed.unwrap_or(self.hops.len()))
    }

    fn push_hop(&mut self, hop: Hop, mut index: usize) -> usize {
        if self.hops.len() >= HOPS_MAX {
            self.hops.remove(1);
            index = index.saturating_sub(1);
        }
        // Most messages have one hop, and messages are many: spare capacity would cost memory.
        self.hops.reserve_exact(1);
        self.hops.insert(index, hop);
        index
    }
}

/// A hop to the event's address.
fn hop_of(event: &Event) -> Hop {
    Hop {
        vhost: event.vhost.clone(),
        order_id: event.order_id.clone(),
        exchange: event.exchange.clone(),
        routing_key: event.routing_key.clone(),
        first_at: event.at,
        ..Hop::default()
    }
}

/// The time of a death. A first death that is seen late carries its own time.
fn died_at(death: &Death, event: &Event) -> Timestamp {
    let told = death.first_at.filter(|_| event.observed_late && death.count == 1);
    // The broker gives whole seconds. The latest possible moment keeps earlier events before the death.
    told.map_or(event.at, |at| at.after(DEATH_TIME_UNIT).min(event.at))
}
