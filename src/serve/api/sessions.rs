//! `/sessions`: who is connected through the proxy now.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::clock;
use crate::model::api::{SessionView, SessionsReport};
use crate::serve::desk::Desk;
use crate::serve::http::export::{self, Format};
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::{json, with_type};

const PATH: &str = "/api/v1/sessions";

const LIMIT_DEFAULT: usize = 100;
/// More is not read by people; the total is told beside them.
const LIMIT_MAX: usize = 1000;
/// All that most brokers have.
const EXPORT_LIMIT_MAX: usize = 10_000;

/// The columns of a CSV export. More may come, at the end.
const COLUMNS: [&str; 22] = [
    "connection",
    "address",
    "broker_connection",
    "tls",
    "since",
    "state",
    "service",
    "user",
    "client_name",
    "vhost",
    "channels",
    "published",
    "delivered",
    "publish_rate",
    "deliver_rate",
    "bytes_from_client",
    "bytes_from_broker",
    "unconfirmed",
    "unsettled",
    "oldest_unsettled_at",
    "oldest_unsettled_seconds",
    "gap",
];

/// What sessions are asked for.
#[derive(Debug, Default)]
struct Filter {
    service: Option<String>,
    user: Option<String>,
    vhost: Option<String>,
}

impl Filter {
    fn matches(&self, session: &SessionView) -> bool {
        let pairs = [(&self.service, &session.service), (&self.user, &session.user), (&self.vhost, &session.vhost)];
        pairs.into_iter().all(|(wanted, found)| wanted.is_none() || wanted.as_deref() == found.as_deref())
    }
}

/// The route of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Live sessions, oldest first.
async fn report(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    let parameters = Parameters::read(&uri, &["service", "user", "vhost", "limit", "format"])?;
    let format = parameters.choice("format", &Format::NAMES)?.unwrap_or(Format::Json);
    let limit_max = if format == Format::Json { LIMIT_MAX } else { EXPORT_LIMIT_MAX };
    let limit = parameters.limit(LIMIT_DEFAULT, limit_max)?;
    let text = |name| parameters.text(name).map(str::to_owned);
    let filter = Filter { service: text("service"), user: text("user"), vhost: text("vhost") };
    let report = desk.ask(move |facts| Ok(choose(facts.sessions(clock::now()), &filter, limit))).await?;
    Ok(match format {
        Format::Json => json(&report),
        Format::NdJson => exported(export::NDJSON, export::lines(&report.sessions).ok()),
        Format::Csv => exported(export::CSV, export::table(&COLUMNS, report.sessions.iter().map(row)).ok()),
    })
}

/// The first sessions that match; how many do is the total.
fn choose(mut report: SessionsReport, filter: &Filter, limit: usize) -> SessionsReport {
    report.sessions.retain(|session| filter.matches(session));
    report.total = report.sessions.len() as u64;
    report.sessions.truncate(limit);
    report
}

fn exported(media_type: &'static str, body: Option<Vec<u8>>) -> Response {
    body.map_or_else(|| Refusal::Internal.into_response(), |body| with_type(StatusCode::OK, media_type, body))
}

fn row(session: &SessionView) -> [String; COLUMNS.len()] {
    fn text<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map(T::to_string).unwrap_or_default()
    }
    [
        session.connection.to_string(),
        session.address.clone(),
        text(&session.broker_connection),
        session.tls.to_string(),
        session.since.clone(),
        session.state.name().to_owned(),
        text(&session.service),
        text(&session.user),
        text(&session.client_name),
        text(&session.vhost),
        session.channels.to_string(),
        session.published.to_string(),
        session.delivered.to_string(),
        session.publish_rate.to_string(),
        session.deliver_rate.to_string(),
        session.bytes_from_client.to_string(),
        session.bytes_from_broker.to_string(),
        session.unconfirmed.to_string(),
        session.unsettled.to_string(),
        text(&session.oldest_unsettled_at),
        text(&session.oldest_unsettled_seconds),
        text(&session.gap),
    ]
}
