//! Everything that is under way, in memory: what is past its deadline is read off it at any moment.
//!
//! Messages and orders are kept while something is expected of them, and a while longer, because another source's view
//! of the same message may still come. Both tables are bounded; what is let go unfinished is counted.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::config;
use crate::model::api::{StalledItem, StalledReport, StalledWhat};
use crate::model::{Event, Kind, MessageKey, Seq, Str, Timestamp};

use super::handle::StalledQuery;
use super::message::Message;
use super::order::{deadline, is_final, ranks_below};
use super::stalled::{Trouble, is_finished, troubles};
use super::verdict::tell;
use super::words::{moment, span};

/// How long a finished message or order is remembered for latecomers.
const FINISHED_KEPT: Duration = Duration::from_secs(600);
/// A status that ranks below the order's own and comes within this time after it was only seen later.
const SKEW: Duration = Duration::from_secs(10);
/// Entries looked at for removal with each event: more than are added, so that none pile up.
const SWEEP_STEP: usize = 4;

/// What is under way.
pub(super) struct Engine {
    settings: config::Flow,
    messages: Table<MessageKey, Message>,
    orders: Table<Str, Order>,
    let_go: u64,
}

/// Where an order stands.
#[derive(Clone, Debug)]
struct Order {
    status: Str,
    since: Timestamp,
    service: Option<Str>,
    seq: Seq,
}

/// A map whose entries leave in the order of their last change.
struct Table<K, V> {
    entries: HashMap<K, (V, Timestamp, u64)>,
    by_age: BTreeSet<(u64, K)>,
    changes: u64,
}

impl Engine {
    pub(super) fn new(settings: config::Flow) -> Self {
        Engine { settings, messages: Table::new(), orders: Table::new(), let_go: 0 }
    }

    /// Takes in the next committed event.
    pub(super) fn apply(&mut self, event: &Event) {
        let about_a_message =
            !matches!(event.kind, Kind::Gap | Kind::Topology | Kind::SessionOpen | Kind::SessionClose);
        if let Some(key) = event.message_key().filter(|_| about_a_message) {
            let mut is_new = false;
            self.messages.change(key.clone(), event.at, || Message::new(key), |message| is_new = message.apply(event));
            if is_new {
                self.announce(event);
            }
        }
        self.sweep(event.at);
    }

    /// The order enters the status that a new publish announces.
    fn announce(&mut self, event: &Event) {
        let (Some(order_id), Some(status)) = (&event.order_id, &event.status) else { return };
        let entered = Order { status: status.clone(), since: event.at, service: event.service.clone(), seq: event.seq };
        let settings = &self.settings;
        self.orders.change(
            order_id.clone(),
            event.at,
            || entered.clone(),
            |order| {
                let only_seen_later =
                    ranks_below(status, &order.status, settings) && event.at.since(order.since) < SKEW;
                if order.status != *status && !only_seen_later {
                    *order = entered.clone();
                }
            },
        );
    }

    /// Lets go of what is finished, and of the oldest where there is too much.
    fn sweep(&mut self, now: Timestamp) {
        let settings = &self.settings;
        let oldest = now.before(settings.follow_for);
        self.let_go += self.messages.sweep(now, oldest, settings.messages_max, is_finished);
        let is_over = |order: &Order| is_final(&order.status, settings);
        self.let_go += self.orders.sweep(now, oldest, settings.orders_max, is_over);
    }

    /// What is past its deadline, oldest first.
    pub(super) fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport {
        let mut stalled = Vec::new();
        if query.what != Some(StalledWhat::Order) {
            self.stalled_messages(now, &mut stalled);
        }
        if query.what != Some(StalledWhat::Message) {
            self.stalled_orders(now, &mut stalled);
        }
        let matches = |wanted: &Option<String>, value: &Option<Str>| {
            wanted.as_ref().is_none_or(|wanted| value.as_ref().is_some_and(|value| **value == **wanted))
        };
        stalled.retain(|(_, item)| {
            matches(&query.queue, &item.queue)
                && matches(&query.service, &item.service)
                && matches(&query.status, &item.status)
        });
        stalled.sort_by_key(|(oldest, _)| *oldest);
        let total = stalled.len() as u64;
        stalled.truncate(query.limit);
        let stalled = stalled.into_iter().map(|(_, item)| item).collect();
        StalledReport { at: now.to_string(), stalled, total, untracked: self.let_go }
    }

    /// Messages and orders followed, and how many were let go unfinished.
    pub(super) fn tracked(&self) -> (usize, usize, u64) {
        (self.messages.entries.len(), self.orders.entries.len(), self.let_go)
    }

    fn stalled_messages(&self, now: Timestamp, stalled: &mut Vec<((Timestamp, Seq), StalledItem)>) {
        for (message, ..) in self.messages.entries.values() {
            for trouble in troubles(message, &self.settings, now) {
                if self.made_good(message, &trouble) {
                    continue;
                }
                let hop = trouble.hop();
                let seq = hop.events.last().copied().unwrap_or_default();
                let deadline = match &trouble {
                    Trouble::Undelivered { deadline, .. } | Trouble::Unsettled { deadline, .. } => {
                        Some(deadline.as_secs_f64())
                    }
                    _ => None,
                };
                let item = StalledItem {
                    what: StalledWhat::Message,
                    reason: trouble.reason().to_owned(),
                    text: tell(message, &trouble, now),
                    since: trouble.since().to_string(),
                    seconds: now.since(trouble.since()).as_secs_f64(),
                    deadline_seconds: deadline,
                    order_id: message.order_id.clone(),
                    message: Some(message.key.to_string()),
                    queue: trouble.queue().cloned(),
                    exchange: hop.exchange.clone(),
                    service: hop.service.clone(),
                    status: hop.status.clone(),
                    seq: seq.0,
                };
                stalled.push(((trouble.since(), seq), item));
            }
        }
    }

    /// What was given up or lost is made good when the message's order has entered a status since.
    fn made_good(&self, message: &Message, trouble: &Trouble<'_>) -> bool {
        let order = message.order_id.as_ref().and_then(|id| self.orders.entries.get(id));
        let lost = matches!(trouble, Trouble::Dead { .. } | Trouble::Unroutable { .. });
        lost && order.is_some_and(|(order, ..)| order.since > trouble.since())
    }

    fn stalled_orders(&self, now: Timestamp, stalled: &mut Vec<((Timestamp, Seq), StalledItem)>) {
        for (id, (order, ..)) in &self.orders.entries {
            let limit = deadline(&order.status, &self.settings).filter(|_| !is_final(&order.status, &self.settings));
            let Some(limit) = limit.filter(|limit| now.since(order.since) > *limit) else { continue };
            let stay = now.since(order.since);
            let item = StalledItem {
                what: StalledWhat::Order,
                reason: "status".to_owned(),
                text: format!(
                    "Order {id} has been in status {} since {}, for {}; {} is the limit.",
                    order.status,
                    moment(order.since),
                    span(stay),
                    span(limit)
                ),
                since: order.since.to_string(),
                seconds: stay.as_secs_f64(),
                deadline_seconds: Some(limit.as_secs_f64()),
                order_id: Some(id.clone()),
                service: order.service.clone(),
                status: Some(order.status.clone()),
                seq: order.seq.0,
                ..StalledItem::default()
            };
            stalled.push(((order.since, order.seq), item));
        }
    }
}

impl<K: Clone + Ord + std::hash::Hash, V> Table<K, V> {
    fn new() -> Self {
        Table { entries: HashMap::new(), by_age: BTreeSet::new(), changes: 0 }
    }

    fn change(&mut self, key: K, now: Timestamp, make: impl FnOnce() -> V, change: impl FnOnce(&mut V)) {
        self.changes += 1;
        let (value, at, age) = self.entries.entry(key.clone()).or_insert_with(|| (make(), now, 0));
        change(value);
        *at = now;
        self.by_age.remove(&(*age, key.clone()));
        *age = self.changes;
        self.by_age.insert((self.changes, key));
    }

    /// Removes old entries that are finished, all that last changed before `oldest`, and the oldest beyond `len_max`; how
    /// many of those were not finished.
    fn sweep(&mut self, now: Timestamp, oldest: Timestamp, len_max: usize, is_finished: impl Fn(&V) -> bool) -> u64 {
        let mut unfinished = 0;
        let candidates: Vec<(u64, K)> = self.by_age.iter().take(SWEEP_STEP).cloned().collect();
        for entry in candidates {
            let Some((value, at, _)) = self.entries.get(&entry.1) else { continue };
            let finished = is_finished(value);
            let over = self.entries.len() > len_max;
            if over || *at < oldest || (finished && now.since(*at) > FINISHED_KEPT) {
                unfinished += u64::from(!finished);
                self.entries.remove(&entry.1);
                self.by_age.remove(&entry);
            }
        }
        unfinished
    }
}
