//! `/orders/{order_id}` and `/messages/{message_id}`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::query;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::{Nothing, Parameters};
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const ORDER: &str = "/api/v1/orders/{order_id}";
const MESSAGE: &str = "/api/v1/messages/{message_id}";

type PathText = Result<Path<String>, PathRejection>;

/// The routes of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(ORDER, get(order)).route(MESSAGE, get(message))
}

/// Everything known about one order.
async fn order(State(desk): State<Desk>, path: PathText, _: Parameters<Nothing>) -> Result<Response, Refusal> {
    let id = id(path)?;
    let asked = id.clone();
    let trail = desk.ask(move |handles| query::order(handles, &asked, clock::now())).await?;
    match trail {
        Some(trail) => Ok(json(&trail)),
        None => Err(nothing("order", &id)),
    }
}

/// Everything known about one message.
async fn message(State(desk): State<Desk>, path: PathText, _: Parameters<Nothing>) -> Result<Response, Refusal> {
    let id = id(path)?;
    let asked = id.clone();
    let trail = desk.ask(move |handles| query::message(handles, &asked, clock::now())).await?;
    match trail {
        Some(trail) => Ok(json(&trail)),
        None => Err(nothing("message", &id)),
    }
}

fn id(path: PathText) -> Result<String, Refusal> {
    let Path(id) = path.map_err(|error| Refusal::BadId(error.body_text()))?;
    query::check_id(&id)?;
    Ok(id)
}

fn nothing(what: &str, id: &str) -> Refusal {
    let hint = "check the id; /api/v1/coverage tells what is observed";
    Refusal::NotFound(format!("no event of {what} {id:?} was recorded: {hint}"))
}
