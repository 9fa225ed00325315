//! Events and sessions for programs and spreadsheets: one JSON object a line, or CSV.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::model::api::{EventView, EventsPage};

use super::parameters::Parameters;
use super::problem::Refusal;
use super::reply::with_type;

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Format {
    /// [`EventsPage`].
    Json,
    /// One event a line; the next page in the `Link` header.
    NdJson,
    /// One event a row; the next page in the `Link` header.
    Csv,
}

impl Format {
    /// Their names in a URL.
    pub(in crate::serve) const NAMES: [(&str, Format); 3] =
        [("json", Format::Json), ("ndjson", Format::NdJson), ("csv", Format::Csv)];
}

/// The media type of lines.
pub(in crate::serve) const NDJSON: &str = "application/x-ndjson";
/// The media type of a table.
pub(in crate::serve) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The columns of a CSV export. More may come, at the end.
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

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Letters, digits and the marks that RFC 3986 reserves for nobody stand for themselves.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A page as `ndjson` or CSV.
pub(in crate::serve) fn answer(page: &EventsPage, format: Format, path: &str, parameters: &Parameters) -> Response {
    let (media_type, body) = match format {
        Format::Csv => (CSV, table(&COLUMNS, page.events.iter().map(row)).ok()),
        Format::Json | Format::NdJson => (NDJSON, lines(&page.events).ok()),
    };
    let Some(body) = body else { return Refusal::Internal.into_response() };
    let mut response = with_type(StatusCode::OK, media_type, body);
    let link = page.next_cursor.as_ref().and_then(|cursor| next_link(path, parameters, cursor));
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn next_link(path: &str, parameters: &Parameters, cursor: &str) -> Option<HeaderValue> {
    let mut pairs = parameters.without(&["cursor"]);
    pairs.push(("cursor", cursor));
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED))).collect();
    HeaderValue::try_from(format!("<{path}?{}>; rel=\"next\"", query.join("&"))).ok()
}

/// One JSON object a line.
pub(in crate::serve) fn lines<T: Serialize>(items: &[T]) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::new();
    for item in items {
        serde_json::to_writer(&mut body, item)?;
        body.push(b'\n');
    }
    Ok(body)
}

/// Rows below the names of their columns.
pub(in crate::serve) fn table<const N: usize>(
    columns: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> csv::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut body);
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row.map(safe))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(body)
}

/// A cell that no spreadsheet runs as a formula: it is shown with an apostrophe before it.
fn safe(mut cell: String) -> String {
    if cell.starts_with(FORMULA_STARTS) {
        cell.insert(0, '\'');
    }
    cell
}

fn row(event: &EventView) -> [String; COLUMNS.len()] {
    fn text<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map(T::to_string).unwrap_or_default()
    }
    let death = event.death.as_ref();
    let settlement = event.settlement.as_ref().and_then(|settlement| settlement.get("kind")?.as_str());
    [
        event.seq.to_string(),
        event.at.clone(),
        event.kind.clone(),
        event.source.clone(),
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
        settlement.unwrap_or_default().to_owned(),
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
    fn no_cell_begins_a_formula() {
        for start in FORMULA_STARTS {
            assert_eq!(safe(format!("{start}cmd|' /C calc'!A0")), format!("'{start}cmd|' /C calc'!A0"));
        }
        assert_eq!(safe("A-1=2".into()), "A-1=2");
        assert_eq!(safe(String::new()), "");
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let event = EventView {
            seq: 7,
            order_id: Some("=1+1".into()),
            queue: Some("a,\"b\"\r\nc".into()),
            ..EventView::default()
        };
        let text = String::from_utf8(table(&COLUMNS, [row(&event)].into_iter()).unwrap()).unwrap();
        let (header, row) = text.split_once("\r\n").unwrap();
        assert_eq!(header, COLUMNS.join(","));
        assert_eq!(row, "7,,,,,,,,\"a,\"\"b\"\"\r\nc\",,,,,'=1+1,,,,,,,,\r\n");
    }

    #[test]
    fn every_line_is_an_event() {
        let events = [EventView { seq: 1, ..EventView::default() }, EventView { seq: 2, ..EventView::default() }];
        let text = String::from_utf8(lines(&events).unwrap()).unwrap();
        let read: Vec<EventView> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, events);
    }
}
