//! `/alerts`: alerts that are firing, and recent ones.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::query;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::{Nothing, Parameters};
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/alerts";

/// The route of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Firing and recent alerts.
async fn report(State(desk): State<Desk>, _: Parameters<Nothing>) -> Result<Response, Refusal> {
    let report = desk.ask(|handles| Ok(query::alerts(handles))).await?;
    Ok(json(&report))
}
