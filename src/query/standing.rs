//! The state of hoptrail at a moment: the facts behind health and metrics.

use crate::flow::{StalledQuery, Tracked};
use crate::live::SessionStats;
use crate::model::{Alert, SourceCoverage, StalledReport, Timestamp};
use crate::record::Stats;

use super::handles::Handles;

/// Stalls in the readings; the total counts the others as well.
const STALLED_MAX: usize = 10_000;

/// The facts behind health.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The writer's figures.
    pub stats: Stats,
    /// The sources, each with its state.
    pub sources: Vec<SourceCoverage>,
    /// The proxy's figures.
    pub proxy: SessionStats,
    /// Committed events that trails and stalls do not know yet.
    pub lag: u64,
    /// Stalls and alerts are incomplete: a panic ended their making, and it begins again.
    pub is_behind_a_panic: bool,
}

/// The facts behind metrics.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// The facts behind health.
    pub standing: Standing,
    /// The number of the newest event.
    pub last_seq: u64,
    /// The journal's size on the disk.
    pub disk_bytes: u64,
    /// Messages followed.
    pub messages: usize,
    /// Orders followed.
    pub orders: usize,
    /// Messages and orders that were evicted unfinished.
    pub evicted: u64,
    /// Messages and orders that are past their deadline.
    pub stalled: StalledReport,
    /// Firing and recent alerts.
    pub alerts: Vec<Alert>,
    /// Notifications that were sent.
    pub notifications_sent: u64,
    /// Notifications that failed for good.
    pub notifications_failed: u64,
}

impl Standing {
    /// The facts behind health at this moment.
    #[must_use]
    pub fn of(handles: &Handles) -> Standing {
        Standing {
            stats: handles.recorder.stats(),
            sources: handles.live.sources.report(),
            proxy: handles.live.sessions.stats(),
            lag: handles.progress.lag(),
            is_behind_a_panic: handles.progress.is_behind_a_panic(),
        }
    }
}

impl Readings {
    /// The facts behind metrics at this moment.
    #[must_use]
    pub fn of(handles: &Handles, now: Timestamp) -> Readings {
        let Tracked { messages, orders, evicted } = handles.flow.tracked();
        let (notifications_sent, notifications_failed) = handles.alerts.notifications();
        Readings {
            standing: Standing::of(handles),
            last_seq: handles.reader.last_seq().0,
            disk_bytes: handles.reader.disk_bytes(),
            messages,
            orders,
            evicted,
            stalled: handles.flow.stalled(&StalledQuery { limit: STALLED_MAX, ..StalledQuery::default() }, now),
            alerts: handles.alerts.report(),
            notifications_sent,
            notifications_failed,
        }
    }
}
