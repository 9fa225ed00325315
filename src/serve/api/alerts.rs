//! `/alerts`: alerts that are firing, and recent ones.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/alerts";

/// The route of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(alerts))
}

/// Firing and recent alerts.
async fn alerts(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let report = desk.ask(|facts| Ok(facts.alerts())).await?;
    Ok(json(&report))
}
