//! The engine: all messages and orders under way, in memory. It lists those past their limit at any moment.
//!
//! The engine keeps a message or an order until it is finished. It keeps a finished item for a while longer, because
//! another source may still report the same message. Both tables are bounded. The engine counts the unfinished items
//! that it evicts.

use std::time::Duration;

use crate::config;
use crate::model::{Event, Kind, MessageKey, StalledReport, StalledWhat, Str, Timestamp};

use super::message::Message;
use super::order::{Status, Step, announced, is_final, step};
use super::report::Stalled;
use super::sight::OutOfSight;
use super::stalled::{Trouble, is_finished, troubles};
use super::stalled_query::StalledQuery;
use super::table::{Limits, Table};

/// The numbers of items that the engine follows and has evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// Messages followed.
    pub messages: usize,
    /// Orders followed.
    pub orders: usize,
    /// Unfinished items evicted: there were too many, or they had not changed for the time `flow.follow_for`.
    pub evicted: u64,
}

/// A finished message or order is kept for this long, because late events of it may still come.
const FINISHED_KEPT: Duration = Duration::from_secs(600);
/// The most finished items in each table. Sources lag by seconds, and the fastest brokers carry thousands of messages a
/// second.
const FINISHED_MAX: usize = 10_000;
/// The messages and orders under way.
pub(super) struct Engine {
    settings: config::Flow,
    messages: Table<MessageKey, Message>,
    orders: Table<Str, Status>,
    out_of_sight: OutOfSight,
    evicted: u64,
}

impl Engine {
    pub(super) fn new(settings: config::Flow) -> Self {
        Engine {
            settings,
            messages: Table::new(),
            orders: Table::new(),
            out_of_sight: OutOfSight::default(),
            evicted: 0,
        }
    }

    /// Takes in the next committed event.
    pub(super) fn apply(&mut self, event: &Event) {
        let about_a_message =
            !matches!(event.kind, Kind::Gap | Kind::Topology | Kind::SessionOpen | Kind::SessionClose);
        if let Some(key) = event.message_key().filter(|_| about_a_message) {
            let make = |key: &MessageKey| Message::new(key.clone());
            let mut entered = None;
            self.messages.change(key, event.at, make, is_finished, |message| {
                entered = message.apply(event).and_then(|hop| hop.order_id.clone().zip(announced(hop)));
            });
            if let Some((order_id, status)) = entered {
                self.announce(order_id, status, event.at);
            }
        }
        if event.kind == Kind::Gap {
            self.out_of_sight.note(event);
        }
        self.sweep(event.at);
    }

    fn announce(&mut self, order_id: Str, entered: Status, now: Timestamp) {
        let settings = &self.settings;
        let is_over = |order: &Status| is_final(&order.status, settings);
        self.orders.change(
            order_id,
            now,
            |_| entered.clone(),
            is_over,
            |order| {
                if step(order, &entered, settings) == Step::Enters {
                    *order = entered.clone();
                }
            },
        );
    }

    /// Evicts the items past their time, and the oldest items beyond the bounds.
    fn sweep(&mut self, now: Timestamp) {
        let (finished_max, finished_kept, kept) = (FINISHED_MAX, FINISHED_KEPT, self.settings.follow_for);
        let limits = |len_max| Limits { len_max, finished_max, finished_kept, kept };
        self.evicted += self.messages.sweep(now, &limits(self.settings.messages_max));
        self.evicted += self.orders.sweep(now, &limits(self.settings.orders_max));
    }

    /// The items past their deadline, oldest first. A verdict is made only for the items of the answer.
    pub(super) fn stalled(&self, query: &StalledQuery, now: Timestamp) -> StalledReport {
        let mut stalled: Vec<Stalled<'_>> = Vec::new();
        if query.what != Some(StalledWhat::Order) {
            let of = |message| troubles(message, &self.settings, now).map(move |it| Stalled::Message(message, it));
            let troubled = self.messages.iter().flat_map(|(_, message)| of(message));
            stalled.extend(troubled.filter(|found| !self.made_good(found) && !self.is_out_of_sight(found)));
        }
        if query.what != Some(StalledWhat::Message) {
            let late = self.orders.iter().filter_map(|(id, status)| Stalled::order(id, status, &self.settings, now));
            stalled.extend(late);
        }
        stalled.retain(|found| found.matches(query));
        let total = stalled.len() as u64;
        stalled.sort_unstable_by_key(Stalled::age);
        stalled.truncate(query.limit);
        let stalled = stalled.iter().map(|found| found.tell(&self.settings, now)).collect();
        StalledReport { at: now, stalled, total, evicted: self.evicted }
    }

    /// The numbers of items followed and evicted.
    pub(super) fn tracked(&self) -> Tracked {
        Tracked { messages: self.messages.len(), orders: self.orders.len(), evicted: self.evicted }
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        self.messages.check_invariants();
        self.orders.check_invariants();
    }

    /// It is not known whether the consumer still holds the message.
    fn is_out_of_sight(&self, found: &Stalled<'_>) -> bool {
        matches!(found, Stalled::Message(_, Trouble::Unsettled { leg, .. }) if leg.is_out_of(&self.out_of_sight))
    }

    /// A dead-lettered or unroutable message counts as resolved if its order has entered a status since.
    fn made_good(&self, found: &Stalled<'_>) -> bool {
        let Stalled::Message(_, trouble) = found else { return false };
        let order = trouble.hop().order_id.as_ref().and_then(|id| self.orders.get(id));
        let lost = matches!(trouble, Trouble::Dead { .. } | Trouble::Unroutable { .. });
        lost && order.is_some_and(|order| order.at > trouble.since())
    }
}
