//! `/metrics`: OpenMetrics text, made from the readings at each scrape.

use std::collections::BTreeMap;
use std::fmt;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::clock;
use crate::model::{Alert, AlertState, SourceCoverage, SourceState, StalledReason, StalledReport};
use crate::query::{Readings, Standing};
use crate::serve::desk::Desk;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::with_type;
use crate::serve::http::requests::Requests;

mod figure;
mod proxy;

use figure::{Figure, Labels, Series};

const PATH: &str = "/metrics";

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(scrape))
}

/// All figures of this moment.
async fn scrape(State(desk): State<Desk>) -> Result<Response, Refusal> {
    let readings = desk.ask(|handles| Ok(Readings::of(handles, clock::now()))).await?;
    page(&readings, &desk.requests)
}

/// The figures as a page.
pub(in crate::serve) fn page(readings: &Readings, requests: &Requests) -> Result<Response, Refusal> {
    let mut registry = Registry::with_prefix("hoptrail");
    registry.register_collector(Box::new(Figures::of(readings)));
    requests.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Refusal::Internal)?;
    Ok(with_type(StatusCode::OK, MEDIA_TYPE, text))
}

#[derive(Debug)]
struct Figures(Vec<Figure>);

impl Figures {
    fn of(readings: &Readings) -> Self {
        use Series::{Count, Gauge, Seconds};
        let Standing { stats, sources, proxy, lag, .. } = &readings.standing;
        let one = |count: u64| Count(vec![(vec![], count)]);
        let gauge = |value: f64| Gauge(vec![(vec![], value)]);
        let recorded = stats.recorded.iter().map(|(source, kind, count)| {
            (vec![("source", source.name().to_owned()), ("kind", kind.name().to_owned())], *count)
        });
        let dead = stats
            .dead_letters
            .iter()
            .map(|(queue, reason, count)| (vec![("queue", queue.to_string()), ("reason", reason.to_string())], *count));
        let notifications = [("sent", readings.notifications_sent), ("failed", readings.notifications_failed)];
        let notifications = notifications.map(|(result, count)| (vec![("result", result.to_owned())], count));
        let tracked = [("messages", readings.messages), ("orders", readings.orders)];
        let tracked = tracked.map(|(what, count)| (vec![("what", what.to_owned())], count as f64));
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        let figures: [(&'static str, &'static str, Series); 19] = [
            ("events_recorded", "Events recorded since the start", Count(recorded.collect())),
            ("recorder_queue_length", "Observations waiting to be recorded", gauge(stats.queue_len as f64)),
            ("recorder_queue_capacity", "Observations that may wait", gauge(stats.queue_len_max as f64)),
            ("recorder_dropped", "Observations lost because the queue was full", one(proxy.dropped_total())),
            ("recorder_repeated", "Repeated deliveries that were recorded before", one(stats.repeated)),
            ("journal_commits", "Commits", one(stats.commits)),
            ("journal_commit_seconds", "Time spent in commits", Seconds(stats.commit_seconds)),
            ("journal_last_seq", "The newest event's number", gauge(readings.last_seq as f64)),
            (
                "journal_paused",
                "1 while recording waits for room on the disk",
                gauge(f64::from(stats.paused.is_some())),
            ),
            ("journal_disk_bytes", "The journal's size on disk", gauge(readings.disk_bytes as f64)),
            ("dead_letters", "Dead letters recorded since the start", Count(dead.collect())),
            ("stalled", "Messages and orders past their deadline", Gauge(stalled(&readings.stalled))),
            ("flow_lag_events", "Events that trails do not know of yet", gauge(*lag as f64)),
            ("flow_tracked", "Messages and orders followed", Gauge(tracked.to_vec())),
            ("flow_evicted", "No longer followed because there were too many", one(readings.evicted)),
            ("source_up", "1 where the source observes", Gauge(up(sources))),
            ("alerts_firing", "Alerts that are firing", Gauge(alerts(&readings.alerts))),
            ("notifications", "Alert notifications", Count(notifications.to_vec())),
            ("build_info", "The running version", Gauge(vec![(version, 1.0)])),
        ];
        let figures = figures.into_iter().map(|(name, help, series)| Figure { name, help, series });
        Figures(figures.chain(proxy::figures(proxy)).collect())
    }
}

fn stalled(report: &StalledReport) -> Vec<(Labels, f64)> {
    let series = |reason: StalledReason| (reason.what().name(), reason.name());
    // A count without a stall is shown as 0, so that an alert on it has a value to compare.
    let mut counts: BTreeMap<(&str, &str), u64> =
        StalledReason::ALL.iter().map(|reason| (series(*reason), 0)).collect();
    for item in &report.stalled {
        *counts.entry(series(item.reason)).or_default() += 1;
    }
    let beyond = report.total.saturating_sub(report.stalled.len() as u64);
    if beyond > 0 {
        counts.insert(("any", "not_counted"), beyond);
    }
    let labels = |what: &str, reason: &str| vec![("what", what.to_owned()), ("reason", reason.to_owned())];
    counts.into_iter().map(|((what, reason), count)| (labels(what, reason), count as f64)).collect()
}

fn up(sources: &[SourceCoverage]) -> Vec<(Labels, f64)> {
    let sources = sources.iter().filter(|source| source.state != SourceState::Off);
    sources
        .map(|source| {
            let up = if source.state == SourceState::Live { 1.0 } else { 0.0 };
            (vec![("vhost", source.vhost.clone()), ("source", source.source.to_string())], up)
        })
        .collect()
}

fn alerts(alerts: &[Alert]) -> Vec<(Labels, f64)> {
    let mut rules: BTreeMap<&str, f64> = BTreeMap::new();
    for alert in alerts {
        let firing = if alert.state == AlertState::Firing { 1.0 } else { 0.0 };
        *rules.entry(&alert.rule).or_default() += firing;
    }
    rules.into_iter().map(|(rule, count)| (vec![("rule", rule.to_owned())], count)).collect()
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for figure in &self.0 {
            match &figure.series {
                Series::Count(series) => counters(&mut encoder, figure, series)?,
                Series::Seconds(seconds) => counters(&mut encoder, figure, &[(Vec::new(), *seconds)])?,
                Series::Gauge(series) => gauges(&mut encoder, figure, series)?,
            }
        }
        Ok(())
    }
}

fn counters<N>(encoder: &mut DescriptorEncoder, figure: &Figure, series: &[(Labels, N)]) -> fmt::Result
where
    N: EncodeCounterValue + Copy,
{
    let mut metric = encoder.encode_descriptor(figure.name, figure.help, None, MetricType::Counter)?;
    series.iter().try_for_each(|(labels, value)| {
        if labels.is_empty() {
            return metric.encode_counter::<Labels, N, f64>(value, None);
        }
        ConstCounter::new(*value).encode(metric.encode_family(&escaped(labels))?)
    })
}

fn gauges<N>(encoder: &mut DescriptorEncoder, figure: &Figure, series: &[(Labels, N)]) -> fmt::Result
where
    N: EncodeGaugeValue + Copy,
{
    let mut metric = encoder.encode_descriptor(figure.name, figure.help, None, MetricType::Gauge)?;
    series.iter().try_for_each(|(labels, value)| {
        if labels.is_empty() {
            return metric.encode_gauge(value);
        }
        ConstGauge::new(*value).encode(metric.encode_family(&escaped(labels))?)
    })
}

/// The encoder writes label values as they are, and names of queues may hold any character.
fn escaped(labels: &Labels) -> Labels {
    let escape = |value: &str| value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    labels.iter().map(|(name, value)| (*name, escape(value))).collect()
}
