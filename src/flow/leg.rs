//! A hop in one queue: the consumer that got the message, the time that it held it, and the settlement.
//!
//! The firehose and the proxy may both see a delivery. The n-th delivery of the firehose is the n-th of the proxy.
//! Their reports are kept apart, so a lag of either does not change the result.

use std::time::Duration;

use super::sight::OutOfSight;
use crate::model::{Consumer, Death, Event, LegState, Settlement, SettlementKind, Source, Str, Timestamp};

/// A hop in one queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Leg {
    pub(super) queue: Str,
    /// The deliveries that taps saw.
    taps: Seen,
    /// The deliveries that the proxy saw. Many queues have consumers that do not use the proxy.
    proxy: Option<Box<Proxied>>,
    pub(super) redelivered: bool,
    pub(super) death: Option<Box<(Timestamp, Death)>>,
    pub(super) resolved: bool,
}

/// The deliveries that one kind of source saw.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    /// The consumer that got the latest delivery.
    consumer: Option<Box<Consumer>>,
}

/// The deliveries that the proxy saw. Only the proxy sees the end of a delivery.
#[derive(Clone, Debug, Default)]
struct Proxied {
    seen: Seen,
    /// Channel and delivery tag of the latest delivery.
    channel: Option<u16>,
    tag: Option<u64>,
    /// The time and the settlement of the latest delivery.
    settled: Option<(Timestamp, Settlement)>,
    given_back: u64,
    /// The settlement of the latest delivery was not observed, and never will be.
    is_out_of_sight: bool,
}

impl Leg {
    pub(super) fn new(queue: Str) -> Self {
        Leg { queue, ..Leg::default() }
    }

    /// Takes in a delivery.
    pub(super) fn delivered(&mut self, event: &Event) {
        self.redelivered |= event.redelivered == Some(true);
        if event.source == Source::Proxy {
            self.proxy.get_or_insert_default().delivered(event);
        } else {
            self.taps.delivered(event);
        }
    }

    /// Takes in the settlement of the latest delivery that the proxy saw.
    pub(super) fn settle(&mut self, at: Timestamp, settlement: Settlement) {
        if let Some(proxy) = self.proxy.as_deref_mut() {
            proxy.settle(at, settlement);
        }
    }

    /// The event settles the delivery that is still unsettled.
    pub(super) fn is_settled_by(&self, event: &Event) -> bool {
        let Some(proxy) = self.proxy.as_deref().filter(|proxy| proxy.settled.is_none()) else { return false };
        if event.source != Source::Proxy {
            return false;
        }
        let (Some(own), Some(tag)) = (proxy.tag, event.delivery_tag) else { return true };
        let session = event.session.as_ref();
        let connection = proxy.seen.consumer.as_deref().and_then(|consumer| consumer.connection.as_ref());
        own == tag
            && proxy.channel == session.and_then(|session| session.channel)
            && connection == session.and_then(|session| session.connection.as_ref())
    }

    /// The number of deliveries that `source` saw.
    pub(super) fn delivered_by(&self, source: Source) -> u64 {
        if source == Source::Proxy {
            self.proxy.as_deref().map_or(0, |proxy| proxy.seen.count)
        } else {
            self.taps.count
        }
    }

    /// `source` may still report a first delivery. Sources lag, so a death may be known already.
    pub(super) fn owes(&self, source: Source) -> bool {
        let was_delivered = |death: &Death| self.deliveries() > 0 || needs_delivery(&death.reason);
        self.delivered_by(source) == 0 && self.death.as_deref().is_none_or(|(_, death)| was_delivered(death))
    }

    /// The number of deliveries, by the source that saw the most.
    pub(super) fn deliveries(&self) -> u64 {
        self.taps.count.max(self.delivered_by(Source::Proxy))
    }

    pub(super) fn first_delivered_at(&self) -> Option<Timestamp> {
        self.views().filter(|seen| seen.count > 0).map(|seen| seen.first_at).min()
    }

    pub(super) fn delivered_at(&self) -> Option<Timestamp> {
        Some(self.latest()?.last_at)
    }

    /// The consumer that got the latest delivery.
    pub(super) fn consumer(&self) -> Consumer {
        let Some(latest) = self.latest() else { return Consumer::default() };
        let mut consumer = latest.consumer.as_deref().cloned().unwrap_or_default();
        // These are two views of the same delivery. The tap's view completes the proxy's.
        let other = self.views().find(|seen| seen.count == latest.count && !std::ptr::eq(*seen, latest));
        if let Some(other) = other.and_then(|other| other.consumer.as_deref()) {
            complete(&mut consumer, other);
        }
        consumer
    }

    /// The time and the settlement of the latest delivery.
    pub(super) fn settled(&self) -> Option<(Timestamp, Settlement)> {
        self.latest_proxied()?.settled
    }

    /// The proxy saw the message requeued, and no delivery of it since.
    pub(super) fn is_given_back(&self) -> bool {
        let settled = self.proxy.as_deref().and_then(|proxy| proxy.settled);
        self.death.is_none() && settled.is_some_and(|(_, settlement)| settlement.is_requeued())
    }

    /// The number of times that the message was requeued.
    pub(super) fn given_back(&self) -> u64 {
        self.proxy.as_deref().map_or(0, |proxy| proxy.given_back)
    }

    /// A consumer holds the message, as the proxy saw.
    pub(super) fn is_held(&self) -> bool {
        self.death.is_none()
            && self.latest_proxied().is_some_and(|proxy| proxy.settled.is_none() && !proxy.is_out_of_sight)
    }

    /// The time from the latest delivery to its settlement.
    pub(super) fn held(&self) -> Option<Duration> {
        let proxy = self.latest_proxied()?;
        Some(proxy.settled?.0.since(proxy.seen.last_at))
    }

    /// The end of the latest delivery can no longer be observed.
    pub(super) fn is_out_of(&self, out_of_sight: &OutOfSight) -> bool {
        let connection = |seen: &'_ Seen| seen.consumer.as_deref().and_then(|consumer| consumer.connection.clone());
        self.is_held()
            && self
                .latest_proxied()
                .is_some_and(|Proxied { seen, .. }| out_of_sight.has(connection(seen).as_ref(), seen.last_at))
    }

    /// Marks the latest delivery if its end can no longer be observed.
    pub(super) fn lose_sight(&mut self, out_of_sight: &OutOfSight) {
        let is_out = self.is_out_of(out_of_sight);
        if let Some(proxy) = self.proxy.as_deref_mut() {
            proxy.is_out_of_sight |= is_out;
        }
    }

    /// A consumer got the message, and the end of that delivery was not observed.
    pub(super) fn is_out_of_sight(&self) -> bool {
        self.death.is_none() && self.latest_proxied().is_some_and(|proxy| proxy.is_out_of_sight)
    }

    /// The state of the message in this queue.
    pub(super) fn state(&self) -> LegState {
        if self.death.is_some() {
            return LegState::DeadLettered;
        }
        match self.settled() {
            Some((_, settlement)) if settlement.is_requeued() => LegState::Waiting,
            Some((_, settlement)) if settlement.kind == SettlementKind::Ack => LegState::Settled,
            Some(_) => LegState::Dropped,
            None if self.is_out_of_sight() => LegState::Delivered,
            None if self.latest_proxied().is_some() => LegState::Unsettled,
            None if self.taps.count > 0 => LegState::Delivered,
            None => LegState::Waiting,
        }
    }

    fn views(&self) -> impl Iterator<Item = &Seen> {
        self.proxy.as_deref().map(|proxy| &proxy.seen).into_iter().chain([&self.taps])
    }

    /// The view of the latest delivery.
    fn latest(&self) -> Option<&Seen> {
        let taps = Some(&self.taps).filter(|taps| taps.count > 0);
        self.latest_proxied().map(|proxy| &proxy.seen).or(taps)
    }

    /// The proxy's view, if the proxy saw the latest delivery. A requeued message may have been delivered since to a
    /// consumer that does not use the proxy.
    fn latest_proxied(&self) -> Option<&Proxied> {
        self.proxy.as_deref().filter(|proxy| {
            proxy.seen.count >= self.taps.count
                || !proxy.settled.is_some_and(|(_, settlement)| settlement.is_requeued())
        })
    }
}

impl Seen {
    fn delivered(&mut self, event: &Event) {
        self.count += 1;
        if self.count == 1 {
            self.first_at = event.at;
        }
        self.last_at = event.at;
        let consumer = consumer_of(event);
        self.consumer = (consumer != Consumer::default()).then(|| Box::new(consumer));
    }
}

impl Proxied {
    fn delivered(&mut self, event: &Event) {
        if self.seen.count > 0 && self.settled.is_none() {
            // The session that held the message has ended. That event may come after the next delivery.
            self.given_back += 1;
        }
        self.seen.delivered(event);
        self.tag = event.delivery_tag;
        self.channel = event.session.as_ref().and_then(|session| session.channel);
        // The proxy reports no delivery tag if it cannot follow a delivery to its end.
        (self.settled, self.is_out_of_sight) = (None, event.delivery_tag.is_none());
        if let Some(settlement) = event.settlement {
            self.settle(event.at, settlement);
        }
    }

    fn settle(&mut self, at: Timestamp, settlement: Settlement) {
        (self.settled, self.is_out_of_sight) = (Some((at, settlement)), false);
        self.given_back += u64::from(settlement.is_requeued());
    }
}

/// The consumer that got the delivery.
fn consumer_of(event: &Event) -> Consumer {
    let session = event.session.as_ref();
    Consumer {
        service: event.service.clone(),
        client_name: session.and_then(|session| session.client_name.clone()),
        connection: session.and_then(|session| session.connection.clone()),
        user: session.and_then(|session| session.user.clone()),
        consumer_tag: event.consumer_tag.clone(),
    }
}

/// Fills the unknown fields from `other`.
fn complete(consumer: &mut Consumer, other: &Consumer) {
    fill(&mut consumer.service, &other.service);
    fill(&mut consumer.client_name, &other.client_name);
    fill(&mut consumer.connection, &other.connection);
    fill(&mut consumer.user, &other.user);
    fill(&mut consumer.consumer_tag, &other.consumer_tag);
}

/// A message can be dead-lettered for this reason only after a delivery.
pub(super) fn needs_delivery(reason: &str) -> bool {
    matches!(reason, "rejected" | "delivery_limit")
}

/// Sets a field that is not known yet.
pub(super) fn fill(slot: &mut Option<Str>, value: &Option<Str>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
