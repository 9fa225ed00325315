//! `/dead-letters`: dead letters in groups, with counts.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::query::DeadLetters;
use crate::question;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;

use super::answer::answered;

const PATH: &str = "/api/v1/dead-letters";

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Groups with counts.
async fn report(
    State(desk): State<Desk>,
    Parameters(asked): Parameters<question::DeadLetters>,
) -> Result<Response, Refusal> {
    let question = DeadLetters::read(&asked, clock::now())?;
    let answer = desk.ask(move |handles| question.answer(handles)).await?;
    Ok(answered(&answer))
}
