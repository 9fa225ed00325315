//! `/events` and `/events/{seq}`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::journal::Order;
use crate::model::Seq;
use crate::model::api::{EventView, EventsPage};
use crate::serve::cursor;
use crate::serve::desk::Desk;
use crate::serve::filter::{self, Filter};
use crate::serve::http::export::{self, Format};
use crate::serve::http::parameters::Parameters;
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;
use crate::serve::search::{Budget, Search};

const EVENTS: &str = "/api/v1/events";
const EVENT: &str = "/api/v1/events/{seq}";

/// Fits a screen or two.
const LIMIT_DEFAULT: usize = 100;
/// A page of JSON stays below about a megabyte.
const LIMIT_MAX: usize = 1000;
/// Rows of an export are read by programs, and smaller.
const EXPORT_LIMIT_MAX: usize = 10_000;

/// Parameters beside those of the filter.
const PARAMETERS: [&str; 6] = ["from", "to", "limit", "cursor", "order", "format"];
/// Parameters that may change from page to page.
const PAGE_PARAMETERS: [&str; 3] = ["limit", "cursor", "format"];

/// The routes of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(EVENTS, get(list)).route(EVENT, get(one))
}

/// One page of a search.
async fn list(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    let known: Vec<&str> = filter::PARAMETERS.into_iter().chain(PARAMETERS).collect();
    let parameters = Parameters::read(&uri, &known)?;
    let format = parameters.choice("format", &Format::NAMES)?.unwrap_or(Format::Json);
    let search = search(&parameters, format)?;
    let found = desk.ask(move |facts| Ok(search.run(facts, Budget::PAGE)?)).await?;
    let next = found.next.map(|seq| cursor::write(seq, &parameters.without(&PAGE_PARAMETERS)));
    let page = EventsPage { events: found.events.iter().map(EventView::brief).collect(), next_cursor: next };
    let response = match format {
        Format::Json => json(&page),
        Format::NdJson | Format::Csv => export::answer(&page, format, uri.path(), &parameters),
    };
    Ok(found.damage.warn(response))
}

fn search(parameters: &Parameters, format: Format) -> Result<Search, Refusal> {
    let limit_max = if format == Format::Json { LIMIT_MAX } else { EXPORT_LIMIT_MAX };
    let orders = [("desc", Order::Descending), ("asc", Order::Ascending)];
    let same = parameters.without(&PAGE_PARAMETERS);
    Ok(Search {
        filter: Filter::read(parameters)?,
        period: parameters.period()?,
        order: parameters.choice("order", &orders)?.unwrap_or(Order::Descending),
        after: parameters.text("cursor").map(|text| cursor::read(text, &same)).transpose()?,
        limit: parameters.limit(LIMIT_DEFAULT, limit_max)?,
    })
}

/// One event with its body.
async fn one(
    State(desk): State<Desk>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let Path(text) = path.map_err(|error| Refusal::BadId(error.body_text()))?;
    let number = text.parse().map_err(|_| Refusal::BadId(format!("{text:?} is not the number of an event")))?;
    let (event, first, last) =
        desk.ask(move |facts| Ok((facts.event(Seq(number))?, facts.first_seq(), facts.last_seq()))).await?;
    match event {
        Some(event) => Ok(json(&EventView::full(&event))),
        None => {
            let kept = if last < first { "it is empty".into() } else { format!("it holds {first} to {last}") };
            Err(Refusal::NotFound(format!("event {number} is not in the journal: {kept}")))
        }
    }
}
