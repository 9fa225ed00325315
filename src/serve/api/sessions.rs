//! `/sessions`: the clients that are connected through the proxy now.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::model::SessionView;
use crate::query::Sessions;
use crate::question::{self, Format};
use crate::serve::desk::Desk;
use crate::serve::http::export;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/sessions";

/// The columns of a CSV export. New columns come at the end.
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

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Live sessions, oldest first.
async fn report(
    State(desk): State<Desk>,
    Parameters(asked): Parameters<question::Sessions>,
) -> Result<Response, Refusal> {
    let question = Sessions::read(&asked)?;
    let report = desk.ask(move |handles| Ok(question.answer(handles, clock::now()))).await?;
    Ok(match asked.format.unwrap_or_default() {
        Format::Json => json(&report),
        Format::NdJson => export::ndjson(&report.sessions),
        Format::Csv => export::csv(&COLUMNS, report.sessions.iter().map(row)),
    })
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
        session.since.to_string(),
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
        text(&session.oldest_unsettled.map(|length| length.as_secs_f64())),
        text(&session.gap),
    ]
}
