//! A hop in one queue: the consumer that got the message, how long it held it, and how it settled it.
//!
//! A delivery that both the firehose and the proxy saw is one: the n-th of the one is the n-th of the other. Their
//! reports are kept apart, so that it does not matter which of them lags.

use std::time::Duration;

use super::sight::OutOfSight;
use crate::model::{Consumer, Death, Event, LegState, Settlement, SettlementKind, Source, Str, Timestamp};

/// A hop in one queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Leg {
    pub(super) queue: Str,
    /// What taps saw of its deliveries.
    taps: Seen,
    /// What the proxy saw: many a queue is consumed past it.
    proxy: Option<Box<Proxied>>,
    pub(super) redelivered: bool,
    pub(super) death: Option<Box<(Timestamp, Death)>>,
    pub(super) resolved: bool,
}

/// Deliveries as one kind of source saw them.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    /// Who was given the latest.
    consumer: Option<Box<Consumer>>,
}

/// Only the proxy sees how a delivery ends.
#[derive(Clone, Debug, Default)]
struct Proxied {
    seen: Seen,
    /// Channel and delivery tag of the latest delivery.
    channel: Option<u16>,
    tag: Option<u64>,
    /// How the latest delivery was settled.
    settled: Option<(Timestamp, Settlement)>,
    given_back: u64,
    /// How the latest delivery was settled was not observed, and never will be.
    is_out_of_sight: bool,
}

impl Leg {
    pub(super) fn new(queue: Str) -> Self {
        Leg { queue, ..Leg::default() }
    }

    /// It was delivered, as the event tells.
    pub(super) fn delivered(&mut self, event: &Event) {
        self.redelivered |= event.redelivered == Some(true);
        if event.source == Source::Proxy {
            self.proxy.get_or_insert_default().delivered(event);
        } else {
            self.taps.delivered(event);
        }
    }

    /// The latest delivery that the proxy saw was settled.
    pub(super) fn settle(&mut self, at: Timestamp, settlement: Settlement) {
        if let Some(proxy) = self.proxy.as_deref_mut() {
            proxy.settle(at, settlement);
        }
    }

    /// The event settles the delivery that is open.
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

    /// How often `source` saw it delivered.
    pub(super) fn delivered_by(&self, source: Source) -> u64 {
        if source == Source::Proxy {
            self.proxy.as_deref().map_or(0, |proxy| proxy.seen.count)
        } else {
            self.taps.count
        }
    }

    /// `source` has a first delivery still to tell: sources lag, so a death may be known already.
    pub(super) fn owes(&self, source: Source) -> bool {
        let was_delivered = |death: &Death| self.deliveries() > 0 || needs_delivery(&death.reason);
        self.delivered_by(source) == 0 && self.death.as_deref().is_none_or(|(_, death)| was_delivered(death))
    }

    /// How often it was delivered, by the source that saw most.
    pub(super) fn deliveries(&self) -> u64 {
        self.taps.count.max(self.delivered_by(Source::Proxy))
    }

    pub(super) fn first_delivered_at(&self) -> Option<Timestamp> {
        self.views().filter(|seen| seen.count > 0).map(|seen| seen.first_at).min()
    }

    pub(super) fn delivered_at(&self) -> Option<Timestamp> {
        Some(self.latest()?.last_at)
    }

    /// Who was given the latest delivery.
    pub(super) fn consumer(&self) -> Consumer {
        let Some(latest) = self.latest() else { return Consumer::default() };
        let mut consumer = latest.consumer.as_deref().cloned().unwrap_or_default();
        // Two views of the same delivery: the tap's completes the proxy's.
        let other = self.views().find(|seen| seen.count == latest.count && !std::ptr::eq(*seen, latest));
        if let Some(other) = other.and_then(|other| other.consumer.as_deref()) {
            complete(&mut consumer, other);
        }
        consumer
    }

    /// How the latest delivery was settled.
    pub(super) fn settled(&self) -> Option<(Timestamp, Settlement)> {
        self.latest_proxied()?.settled
    }

    /// The proxy saw a consumer give it back, and nobody take it since.
    pub(super) fn is_given_back(&self) -> bool {
        let settled = self.proxy.as_deref().and_then(|proxy| proxy.settled);
        self.death.is_none() && settled.is_some_and(|(_, settlement)| settlement.is_requeued())
    }

    /// How often a consumer gave it back to the queue.
    pub(super) fn given_back(&self) -> u64 {
        self.proxy.as_deref().map_or(0, |proxy| proxy.given_back)
    }

    /// A consumer has it, as the proxy saw.
    pub(super) fn is_held(&self) -> bool {
        self.death.is_none()
            && self.latest_proxied().is_some_and(|proxy| proxy.settled.is_none() && !proxy.is_out_of_sight)
    }

    /// How long the consumer had it that settled it.
    pub(super) fn held(&self) -> Option<Duration> {
        let proxy = self.latest_proxied()?;
        Some(proxy.settled?.0.since(proxy.seen.last_at))
    }

    /// How the latest delivery ended can no longer be seen.
    pub(super) fn is_out_of(&self, out_of_sight: &OutOfSight) -> bool {
        let connection = |seen: &'_ Seen| seen.consumer.as_deref().and_then(|consumer| consumer.connection.clone());
        self.is_held()
            && self
                .latest_proxied()
                .is_some_and(|Proxied { seen, .. }| out_of_sight.has(connection(seen).as_ref(), seen.last_at))
    }

    /// Says so of the latest delivery, where it is so.
    pub(super) fn lose_sight(&mut self, out_of_sight: &OutOfSight) {
        let is_out = self.is_out_of(out_of_sight);
        if let Some(proxy) = self.proxy.as_deref_mut() {
            proxy.is_out_of_sight |= is_out;
        }
    }

    /// A consumer was given it, and how that ended was not observed.
    pub(super) fn is_out_of_sight(&self) -> bool {
        self.death.is_none() && self.latest_proxied().is_some_and(|proxy| proxy.is_out_of_sight)
    }

    /// Where the message stands in this queue.
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

    /// The view that tells of the latest delivery.
    fn latest(&self) -> Option<&Seen> {
        let taps = Some(&self.taps).filter(|taps| taps.count > 0);
        self.latest_proxied().map(|proxy| &proxy.seen).or(taps)
    }

    /// The proxy saw the latest delivery. What it saw given back may have been delivered past it since.
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
            // The end of the session that held it may be told after the broker has delivered it again.
            self.given_back += 1;
        }
        self.seen.delivered(event);
        self.tag = event.delivery_tag;
        self.channel = event.session.as_ref().and_then(|session| session.channel);
        // The proxy says so where it cannot follow a delivery to its end.
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

/// Who was given the delivery.
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

/// Takes from `other` what is not known.
fn complete(consumer: &mut Consumer, other: &Consumer) {
    fill(&mut consumer.service, &other.service);
    fill(&mut consumer.client_name, &other.client_name);
    fill(&mut consumer.connection, &other.connection);
    fill(&mut consumer.user, &other.user);
    fill(&mut consumer.consumer_tag, &other.consumer_tag);
}

/// Only what a consumer had can die of this reason.
pub(super) fn needs_delivery(reason: &str) -> bool {
    matches!(reason, "rejected" | "delivery_limit")
}

/// Sets what is not known yet.
pub(super) fn fill(slot: &mut Option<Str>, value: &Option<Str>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
