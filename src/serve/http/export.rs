//! Lists for programs and spreadsheets: one JSON object a line, or CSV.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Refusal;
use super::reply::with_type;
use crate::web::encode;

/// The media type of lines.
const NDJSON: &str = "application/x-ndjson";
/// The media type of a table.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// A spreadsheet takes a cell that begins with one of these for a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One JSON object a line.
pub(in crate::serve) fn ndjson<T: Serialize>(items: &[T]) -> Response {
    exported(NDJSON, lines(items).ok())
}

/// Rows below the names of their columns.
pub(in crate::serve) fn csv<const N: usize>(columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Response {
    exported(CSV, table(columns, rows).ok())
}

/// Names the next page in the `Link` header: the same path and parameters, with a cursor.
pub(in crate::serve) fn with_next(
    mut response: Response,
    path: &str,
    parameters: Vec<(String, String)>,
    cursor: &str,
) -> Response {
    let cursor = ("cursor".to_owned(), cursor.to_owned());
    let pairs = parameters.into_iter().chain([cursor]);
    let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(&value))).collect();
    let link = HeaderValue::try_from(format!("<{path}?{}>; rel=\"next\"", query.join("&")));
    response.headers_mut().extend(link.map(|link| (header::LINK, link)));
    response
}

fn exported(media_type: &'static str, body: Option<Vec<u8>>) -> Response {
    body.map_or_else(|| Refusal::Internal.into_response(), |body| with_type(StatusCode::OK, media_type, body))
}

/// One JSON object a line.
fn lines<T: Serialize>(items: &[T]) -> serde_json::Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api::EventView;

    #[test]
    fn no_cell_begins_a_formula() {
        for start in FORMULA_STARTS {
            assert_eq!(safe(format!("{start}cmd|' /C calc'!A0")), format!("'{start}cmd|' /C calc'!A0"));
        }
        assert_eq!(safe("A-1=2".into()), "A-1=2");
        assert_eq!(safe(String::new()), "");
    }

    #[test]
    fn every_line_is_an_event() {
        let events = [EventView { seq: 1, ..EventView::default() }, EventView { seq: 2, ..EventView::default() }];
        let text = String::from_utf8(lines(&events).unwrap()).unwrap();
        let read: Vec<EventView> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, events);
    }
}
