//! `/stalled` and `/alerts`: what `flow` and `alert` hold ready.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::clock;
use crate::flow::StalledQuery;
use crate::model::api::StalledWhat;

use super::problem::Refusal;
use super::query::Parameters;
use super::reply::{Desk, json};

const LIMIT_DEFAULT: usize = 100;
/// More is not read by people; the total is told beside them.
const LIMIT_MAX: usize = 1000;

/// What is past its deadline, oldest first.
pub(super) async fn stalled(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    let parameters = Parameters::read(&uri, &["what", "status", "step", "service", "queue", "limit"])?;
    let what = [("messages", StalledWhat::Message), ("orders", StalledWhat::Order)];
    // A step of a flow is named after the status that begins it.
    let status = match (parameters.text("status"), parameters.text("step")) {
        (Some(_), Some(_)) => return Err(Refusal::BadQuery("step is another name for status; give one".into())),
        (status, step) => status.or(step),
    };
    let query = StalledQuery {
        what: parameters.choice("what", &what)?,
        service: parameters.text("service").map(str::to_owned),
        queue: parameters.text("queue").map(str::to_owned),
        status: status.map(str::to_owned),
        limit: parameters.limit(LIMIT_DEFAULT, LIMIT_MAX)?,
    };
    let report = desk.ask(move |facts| Ok(facts.stalled(&query, clock::now()))).await?;
    Ok(json(&report))
}

/// Firing and recent alerts.
pub(super) async fn alerts(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let report = desk.ask(|facts| Ok(facts.alerts())).await?;
    Ok(json(&report))
}
