//! The figures of the proxy.

use crate::clock;
use crate::live::SessionStats;
use crate::model::Kind;

use super::figure::{Figure, Labels, Series};

/// Kinds of observations that the proxy makes. A kind without a drop is shown as 0, so that a rate has a beginning.
const KINDS: [Kind; 9] = [
    Kind::Publish,
    Kind::Confirm,
    Kind::Return,
    Kind::Deliver,
    Kind::Settle,
    Kind::DeadLetter,
    Kind::SessionOpen,
    Kind::SessionClose,
    Kind::Gap,
];

/// All figures of the proxy; no figure while the proxy is off.
pub(super) fn figures(stats: &SessionStats) -> Vec<Figure> {
    use Series::{Count, Gauge};
    if !stats.enabled {
        return Vec::new();
    }
    let one = |count: u64| Count(vec![(vec![], count)]);
    let gauge = |value: f64| Gauge(vec![(vec![], value)]);
    let refused = stats.refused.iter().map(|(why, count)| (vec![("reason", why.name().to_owned())], *count));
    let bytes = stats.bytes.iter().map(|(side, count)| (vec![("direction", format!("from_{}", side.name()))], *count));
    let oldest = stats.oldest_unsettled_at.map_or(0.0, |at| clock::now().since(at).as_secs_f64());
    let figures = [
        ("proxy_sessions", "Sessions now", gauge(stats.live as f64)),
        ("proxy_sessions_opened", "Sessions opened", one(stats.opened)),
        ("proxy_sessions_closed", "Sessions closed", one(stats.closed)),
        ("proxy_sessions_refused", "Clients that were not let through", Count(refused.collect())),
        ("proxy_bytes", "Bytes passed on, by who sent them", Count(bytes.collect())),
        ("proxy_observations_dropped", "Observations lost because the queue was full", Count(dropped(stats))),
        ("proxy_unobserved_bytes", "Bytes passed on while the backlog was full", one(stats.unobserved_bytes)),
        ("proxy_backlog_bytes", "Bytes passed on that wait to be observed", gauge(stats.backlog.now as f64)),
        ("proxy_backlog_peak_bytes", "The most that waited since the start", gauge(stats.backlog.peak as f64)),
        ("proxy_backlog_limit_bytes", "The most that may wait", gauge(stats.backlog.max as f64)),
        ("proxy_unconfirmed", "Publishes without their confirm", gauge(stats.unconfirmed as f64)),
        ("proxy_unsettled", "Deliveries without their settlement", gauge(stats.unsettled as f64)),
        ("proxy_oldest_unsettled_seconds", "Since the oldest of them was delivered; 0: none", gauge(oldest)),
    ];
    figures.into_iter().map(|(name, help, series)| Figure { name, help, series }).collect()
}

fn dropped(stats: &SessionStats) -> Vec<(Labels, u64)> {
    let mut counts: Vec<(Kind, u64)> = KINDS.map(|kind| (kind, 0)).to_vec();
    for (kind, count) in &stats.dropped {
        match counts.iter_mut().find(|(known, _)| known == kind) {
            Some((_, sum)) => *sum = *count,
            None => counts.push((*kind, *count)),
        }
    }
    counts.into_iter().map(|(kind, count)| (vec![("kind", kind.name().to_owned())], count)).collect()
}
