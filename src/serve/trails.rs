//! `/orders/{order_id}` and `/messages/{message_id}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::clock;
use crate::model::MessageKey;

use super::problem::Refusal;
use super::query::Parameters;
use super::reply::{Desk, json};

/// The longest id that is looked up: AMQP's short strings have 255 bytes, ids in bodies may be longer.
const ID_BYTES_MAX: usize = 1024;

type PathText = Result<Path<String>, PathRejection>;

/// Everything known about one order.
pub(super) async fn order(State(desk): State<Desk>, path: PathText, uri: Uri) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let id = id(path)?;
    let asked = id.clone();
    let trail = desk.ask(move |facts| Ok(facts.order(&asked, clock::now())?)).await?;
    match trail {
        Some(trail) => Ok(json(&trail)),
        None => Err(nothing("order", &id)),
    }
}

/// Everything known about one message.
pub(super) async fn message(State(desk): State<Desk>, path: PathText, uri: Uri) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let id = id(path)?;
    let key = MessageKey::parse(&id);
    let trail = desk.ask(move |facts| Ok(facts.message(&key, clock::now())?)).await?;
    match trail {
        Some(trail) => Ok(json(&trail)),
        None => Err(nothing("message", &id)),
    }
}

fn id(path: PathText) -> Result<String, Refusal> {
    let Path(id) = path.map_err(|error| Refusal::BadId(error.body_text()))?;
    if id.len() > ID_BYTES_MAX {
        return Err(Refusal::BadId(format!("the id has {} bytes; at most {ID_BYTES_MAX} are looked up", id.len())));
    }
    Ok(id)
}

fn nothing(what: &str, id: &str) -> Refusal {
    let hint = "check the id; /api/v1/coverage tells what is observed";
    Refusal::NotFound(format!("no event of {what} {id:?} was recorded: {hint}"))
}
