//! `/events` and `/events/{seq}`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::model::Seq;
use crate::model::api::EventView;
use crate::query::{self, Looked, Search};
use crate::question::{Events, Format, pairs};
use crate::serve::desk::Desk;
use crate::serve::http::export;
use crate::serve::http::parameters::{Nothing, Parameters};
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;

use super::answer::warned;

const EVENTS: &str = "/api/v1/events";
const EVENT: &str = "/api/v1/events/{seq}";

/// The columns of a CSV export. New columns come at the end.
const COLUMNS: [&str; 22] = [
    "seq",
    "at",
    "kind",
    "source",
    "vhost",
    "service",
    "exchange",
    "routing_key",
    "queue",
    "routed_queues",
    "message_id",
    "fingerprint",
    "correlation_id",
    "order_id",
    "customer_id",
    "status",
    "redelivered",
    "settlement",
    "death_queue",
    "death_reason",
    "body_bytes",
    "detail",
];

/// The routes of this resource.
pub(super) fn router() -> Router<Desk> {
    Router::new().route(EVENTS, get(list)).route(EVENT, get(one))
}

/// One page of a search.
async fn list(State(desk): State<Desk>, Parameters(asked): Parameters<Events>) -> Result<Response, Refusal> {
    let search = Search::read(&asked, clock::now())?;
    let answer = desk.ask(move |handles| search.page(handles)).await?;
    let page = &answer.view;
    let response = match asked.format.unwrap_or_default() {
        Format::Json => json(page),
        Format::NdJson => linked(export::ndjson(&page.events), page.next_cursor.as_deref(), asked),
        Format::Csv => {
            let rows = page.events.iter().map(row);
            linked(export::csv(&COLUMNS, rows), page.next_cursor.as_deref(), asked)
        }
    };
    Ok(warned(response, &answer.left_out))
}

/// An export names the next page in its `Link` header.
fn linked(response: Response, next_cursor: Option<&str>, asked: Events) -> Response {
    match next_cursor {
        Some(cursor) => export::with_next(response, EVENTS, pairs(&Events { cursor: None, ..asked }), cursor),
        None => response,
    }
}

/// One event with its body.
async fn one(
    State(desk): State<Desk>,
    path: Result<Path<String>, PathRejection>,
    _: Parameters<Nothing>,
) -> Result<Response, Refusal> {
    let Path(text) = path.map_err(|error| Refusal::BadId(error.body_text()))?;
    let number = text.parse().map_err(|_| Refusal::BadId(format!("{text:?} is not the number of an event")))?;
    let Looked { event, first, last } = desk.ask(move |handles| query::event(handles, Seq(number))).await?;
    match event {
        Some(event) => Ok(json(&event)),
        None => {
            let kept = if last < first { "it is empty".into() } else { format!("it holds {first} to {last}") };
            Err(Refusal::NotFound(format!("event {number} is not in the journal: {kept}")))
        }
    }
}

fn row(event: &EventView) -> [String; COLUMNS.len()] {
    fn text<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map(T::to_string).unwrap_or_default()
    }
    let death = event.death.as_ref();
    [
        event.seq.to_string(),
        event.at.to_string(),
        event.kind.to_string(),
        event.source.to_string(),
        text(&event.vhost),
        text(&event.service),
        text(&event.exchange),
        text(&event.routing_key),
        text(&event.queue),
        event.routed_queues.as_deref().unwrap_or_default().join(" "),
        text(&event.message_id),
        text(&event.fingerprint),
        text(&event.correlation_id),
        text(&event.order_id),
        text(&event.customer_id),
        text(&event.status),
        text(&event.redelivered),
        text(&event.settlement.map(|settlement| settlement.kind)),
        death.map(|death| death.queue.to_string()).unwrap_or_default(),
        death.map(|death| death.reason.to_string()).unwrap_or_default(),
        event.body.as_ref().map(|body| body.bytes.to_string()).unwrap_or_default(),
        event.gap.as_ref().map(|gap| gap.cause.clone()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let event = EventView {
            seq: 7,
            order_id: Some("=1+1".into()),
            queue: Some("a,\"b\"\r\nc".into()),
            ..EventView::default()
        };
        let text = String::from_utf8(export::table(&COLUMNS, [row(&event)].into_iter()).unwrap()).unwrap();
        let (header, row) = text.split_once("\r\n").unwrap();
        assert_eq!(header, COLUMNS.join(","));
        assert_eq!(row, "7,1970-01-01T00:00:00.000000Z,,,,,,,\"a,\"\"b\"\"\r\nc\",,,,,'=1+1,,,,,,,,\r\n");
    }
}
