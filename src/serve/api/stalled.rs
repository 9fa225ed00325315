//! `/stalled`: messages and orders that are past their deadline.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::flow::StalledQuery;
use crate::model::api::StalledWhat;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const PATH: &str = "/api/v1/stalled";

const LIMIT_DEFAULT: usize = 100;
/// More is not read by people; the total is told beside them.
const LIMIT_MAX: usize = 1000;

/// The route of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(stalled))
}

/// What is past its deadline, oldest first.
async fn stalled(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
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
