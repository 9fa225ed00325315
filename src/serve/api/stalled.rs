//! `/stalled`: messages and orders that are past their deadline.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::query::Stalled;
use crate::question;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/stalled";

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// All messages and orders past their deadline, oldest first.
async fn report(
    State(desk): State<Desk>,
    Parameters(asked): Parameters<question::Stalled>,
) -> Result<Response, Refusal> {
    let question = Stalled::read(&asked)?;
    let report = desk.ask(move |handles| Ok(question.answer(handles, clock::now()))).await?;
    Ok(json(&report))
}
