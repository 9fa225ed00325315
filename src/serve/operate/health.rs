//! `/livez` and `/readyz`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::live::SessionStats;
use crate::model::api::{Health, HealthCheck};
use crate::model::{SourceCoverage, SourceState};
use crate::query::Standing;
use crate::record::Stats;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::{json, json_with, with_type};

const LIVEZ: &str = "/livez";
const READYZ: &str = "/readyz";

/// The lag of trails and stalls that fails the check: some seconds of a busy broker.
const LAG_MAX: u64 = 100_000;

/// The routes of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(LIVEZ, get(livez)).route(READYZ, get(readyz))
}

/// The process answers.
async fn livez() -> Response {
    with_type(StatusCode::OK, "text/plain; charset=utf-8", "live\n")
}

/// The parameters of readiness.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Readiness {
    /// Given with any value: the answer has every check, passed or not.
    verbose: Option<String>,
}

/// hoptrail records, and its answers are of the moment.
async fn readyz(State(desk): State<Desk>, Parameters(asked): Parameters<Readiness>) -> Result<Response, Refusal> {
    let standing = desk.ask(|handles| Ok(Standing::of(handles))).await?;
    ready(&standing, asked.verbose.is_some())
}

/// Whether hoptrail is ready; `verbose` adds every check behind the verdict.
pub(in crate::serve) fn ready(standing: &Standing, verbose: bool) -> Result<Response, Refusal> {
    let health = check(standing);
    if verbose {
        let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        return Ok(json_with(status, &health));
    }
    if health.ready {
        return Ok(json(&Health { ready: true, checks: Vec::new() }));
    }
    let failed = health.checks.iter().filter(|check| !check.ok);
    let failed: Vec<String> = failed.map(|check| format!("{}: {}", check.name, check.detail)).collect();
    Err(Refusal::NotReady(failed.join("; ")))
}

fn check(standing: &Standing) -> Health {
    let Standing { stats, sources, proxy: sessions, .. } = standing;
    let mut checks = vec![journal(stats), recorder(stats), broker(sources), flow(standing)];
    if sessions.enabled {
        checks.push(proxy(sessions));
    }
    Health { ready: checks.iter().all(|check| check.ok), checks }
}

fn result(name: &str, ok: bool, detail: impl Into<String>) -> HealthCheck {
    HealthCheck { name: name.to_owned(), ok, detail: detail.into() }
}

fn journal(stats: &Stats) -> HealthCheck {
    if let Some(why) = &stats.paused {
        return result("journal", false, format!("recording pauses: {why}"));
    }
    match &stats.ended {
        None => result("journal", true, format!("takes events; {} commits so far", stats.commits)),
        Some(error) => result("journal", false, format!("takes no more events: {error}")),
    }
}

fn recorder(stats: &Stats) -> HealthCheck {
    let ok = stats.queue_len < stats.queue_len_max;
    let text = format!("{} of {} places in the queue are taken", stats.queue_len, stats.queue_len_max);
    result("recorder", ok, text)
}

/// Passes while some virtual host is observed. A source that failed is named, and tries again by itself.
fn broker(sources: &[SourceCoverage]) -> HealthCheck {
    let wanted: Vec<&SourceCoverage> = sources.iter().filter(|source| source.state != SourceState::Off).collect();
    if wanted.is_empty() {
        return result("broker", true, "no source is switched on");
    }
    let live = wanted.iter().filter(|source| source.state == SourceState::Live).count();
    let mut detail = format!("{live} of {} sources are live", wanted.len());
    for source in wanted.iter().filter(|source| source.state != SourceState::Live) {
        let state = if source.state == SourceState::Failed { "has failed" } else { "is being connected" };
        detail += &format!("; {} of vhost {:?} {state} since {}", source.source, source.vhost, source.since);
        for problem in &source.problems {
            detail += &format!(" ({problem})");
        }
    }
    result("broker", live > 0, detail)
}

/// Passes even when observations were lost. A proxy that is taken out of service cuts its clients off, and it relays
/// bytes in any case.
fn proxy(stats: &SessionStats) -> HealthCheck {
    let waiting = stats.backlog.now;
    let mut detail = format!("{} sessions; {waiting} of {} bytes wait to be observed", stats.live, stats.backlog.max);
    if let Some(at) = stats.last_loss_at {
        let dropped = stats.dropped_total();
        detail += &format!(
            "; not recorded since the start: {dropped} observations, and what was in {} bytes; the last at {at}",
            stats.unobserved_bytes
        );
    }
    result("proxy", true, detail)
}

fn flow(standing: &Standing) -> HealthCheck {
    if standing.is_behind_a_panic {
        return result(
            "flow",
            false,
            "a panic ended the making of stalls and alerts; it begins again, they are incomplete",
        );
    }
    let lag = standing.lag;
    result("flow", lag <= LAG_MAX, format!("trails and stalls are {lag} events behind (at most {LAG_MAX})"))
}
