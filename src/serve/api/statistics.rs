//! `/statistics`: how many events were recorded, by day, kind, service and queue.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::query::Statistics;
use crate::question;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/statistics";

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Rows with counts.
async fn report(
    State(desk): State<Desk>,
    Parameters(asked): Parameters<question::Statistics>,
) -> Result<Response, Refusal> {
    let question = Statistics::read(&asked, clock::now())?;
    let report = desk.ask(move |handles| question.answer(handles)).await?;
    Ok(json(&report))
}
