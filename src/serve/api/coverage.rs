//! `/coverage`: the sources with their state, and the gaps.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::query;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::{Nothing, Parameters};
use crate::serve::http::problem::Refusal;

use super::answer::answered;

const PATH: &str = "/api/v1/coverage";

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Sources and gaps.
async fn report(State(desk): State<Desk>, _: Parameters<Nothing>) -> Result<Response, Refusal> {
    let answer = desk.ask(|handles| query::coverage(handles, clock::now())).await?;
    Ok(answered(&answer))
}
