//! `/orders/{order_id}` and `/messages/{message_id}`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::model::MessageKey;
use crate::serve::desk::Desk;
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

const ORDER: &str = "/api/v1/orders/{order_id}";
const MESSAGE: &str = "/api/v1/messages/{message_id}";

/// The longest id that is looked up: AMQP's short strings have 255 bytes, ids in bodies may be longer.
const ID_BYTES_MAX: usize = 1024;

type PathText = Result<Path<String>, PathRejection>;

/// The routes of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(ORDER, get(order)).route(MESSAGE, get(message))
}

/// Everything known about one order.
async fn order(State(desk): State<Desk>, path: PathText, uri: Uri) -> Result<Response, Refusal> {
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
async fn message(State(desk): State<Desk>, path: PathText, uri: Uri) -> Result<Response, Refusal> {
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
