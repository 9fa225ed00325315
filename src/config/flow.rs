//! `[flow]`: which statuses an order goes through, and when a message or an order counts as stalled.

use std::time::Duration;

use serde::Deserialize;

use crate::model::Str;

use super::Problems;

/// Deadlines and bounds of following messages and orders.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Statuses with the time an order may stay in them.
    pub statuses: Vec<StatusDeadline>,
    /// Statuses an order ends in.
    pub completed: Vec<Str>,
    /// A message may wait in a queue this long.
    pub undelivered_after: Duration,
    /// A consumer may hold a message this long before it settles it.
    pub unsettled_after: Duration,
    /// Messages and orders that have not changed for this long are not followed. A restart reads the journal as far
    /// back.
    pub follow_for: Duration,
    /// Messages followed at a time; beyond it the oldest are evicted, and counted.
    pub messages_max: usize,
    /// Orders followed at a time; beyond it the oldest are evicted, and counted.
    pub orders_max: usize,
}

/// How long an order may stay in a status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusDeadline {
    /// The status.
    pub status: Str,
    /// How long; `None`: for ever.
    pub stalled_after: Option<Duration>,
}

/// Consumers of business queues take messages within seconds, so ten minutes are an outage.
const UNDELIVERED_AFTER: Duration = Duration::from_secs(600);
/// RabbitMQ's own consumer timeout is 30 minutes, so support hears of the message first.
const UNSETTLED_AFTER: Duration = Duration::from_secs(900);
/// A stall on a weekend is still known on Monday.
const FOLLOW_FOR: Duration = Duration::from_secs(3 * 86_400);
/// A message with two queues takes about 2 kB, together 100 MB of memory.
const MESSAGES_MAX: usize = 50_000;
/// An order takes a few hundred bytes, and may stay in a status for days without a message.
const ORDERS_MAX: usize = 200_000;

/// The statuses of an order, and when a message or an order counts as stalled.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFlow {
    /// The statuses of an order, with the time that an order may stay in each.
    ///
    /// Default: `[]`
    statuses: Vec<RawStatus>,
    /// The statuses in which an order ends.
    ///
    /// Default: `[]`
    completed: Vec<String>,
    /// A message may wait in a queue this long. After that it is stalled.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `10m`
    #[serde(with = "humantime_serde")]
    undelivered_after: Option<Duration>,
    /// A consumer may hold a message this long before it settles it. After that the message is stalled. Only the proxy
    /// sees settlements.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `15m`
    #[serde(with = "humantime_serde")]
    unsettled_after: Option<Duration>,
    /// hoptrail stops following a message or an order that has not changed for this time. A start reads the journal as
    /// far back.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `3days`
    #[serde(with = "humantime_serde")]
    follow_for: Option<Duration>,
    /// The most messages that are followed at a time. Beyond it the oldest are evicted, and counted.
    ///
    /// Range: `1000` to `10000000`
    ///
    /// Default: `50000`
    messages_max: Option<usize>,
    /// The most orders that are followed at a time. Beyond it the oldest are evicted, and counted.
    ///
    /// Range: `1000` to `10000000`
    ///
    /// Default: `200000`
    orders_max: Option<usize>,
}

/// A status of an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatus {
    /// The status, as messages announce it.
    ///
    /// Default: none; it must be given
    status: String,
    /// An order may stay in the status this long. After that it is stalled.
    ///
    /// Default: for ever
    #[serde(default, with = "humantime_serde")]
    stalled_after: Option<Duration>,
}

impl RawFlow {
    pub(super) fn validate(self, problems: &mut Problems) -> Flow {
        let mut seen = std::collections::BTreeSet::new();
        for (index, raw) in self.statuses.iter().enumerate() {
            let key = format!("flow.statuses[{index}]");
            if !seen.insert(raw.status.clone()) {
                problems.add(format!("{key}.status"), format_args!("{:?} stands twice", raw.status));
            }
            if let Some(after) = raw.stalled_after {
                problems.check_positive(&format!("{key}.stalled_after"), after);
            }
        }
        let statuses = self.statuses.into_iter();
        let flow = Flow {
            statuses: statuses
                .map(|raw| StatusDeadline { status: raw.status.into(), stalled_after: raw.stalled_after })
                .collect(),
            completed: self.completed.into_iter().map(Str::from).collect(),
            undelivered_after: self.undelivered_after.unwrap_or(UNDELIVERED_AFTER),
            unsettled_after: self.unsettled_after.unwrap_or(UNSETTLED_AFTER),
            follow_for: self.follow_for.unwrap_or(FOLLOW_FOR),
            messages_max: self.messages_max.unwrap_or(MESSAGES_MAX),
            orders_max: self.orders_max.unwrap_or(ORDERS_MAX),
        };
        problems.check_positive("flow.undelivered_after", flow.undelivered_after);
        problems.check_positive("flow.unsettled_after", flow.unsettled_after);
        problems.check_positive("flow.follow_for", flow.follow_for);
        problems.check_range("flow.messages_max", &flow.messages_max, 1000..=10_000_000);
        problems.check_range("flow.orders_max", &flow.orders_max, 1000..=10_000_000);
        flow
    }
}
