//! The statistics as a table.

use crate::model::Str;
use crate::model::api::{StatisticsReport, StatisticsRow};

use super::table::table;
use super::text::{Paint, plain};

/// Stands where the events name no service or queue.
const NONE: &str = "-";

/// The numbers of recorded events.
pub(super) fn render(report: &StatisticsReport, width: Option<u16>, paint: Paint) -> String {
    if report.rows.is_empty() {
        return "Nothing was recorded.\n".to_owned();
    }
    let is_shown = |column: &&Column| report.group_by.as_deref().is_none_or(|by| by == column.0);
    let columns: Vec<&Column> = COLUMNS.iter().filter(is_shown).collect();
    let headers: Vec<String> = columns.iter().map(|(name, _)| name.to_uppercase()).collect();
    let mut headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    headers.extend(["COUNT", "REMOVED"]);
    let rows = report.rows.iter().map(|row| {
        let mut cells: Vec<String> =
            columns.iter().map(|(_, cell)| cell(row).map_or_else(|| NONE.to_owned(), plain)).collect();
        let removed = if row.removed > 0 { row.removed.to_string() } else { String::new() };
        cells.extend([row.count.to_string(), removed]);
        cells
    });
    let mut out = table(&headers, rows.collect(), width, paint);
    let noun = if report.total == 1 { "event" } else { "events" };
    out += &format!("{} {noun}", report.total);
    if report.removed > 0 {
        out += &format!(", {} of them in partitions that were removed", report.removed);
    }
    if report.truncated {
        out += "; there are more rows, narrow the question with --from, --to or --group-by";
    }
    out.push('\n');
    out
}

/// A column: its name in `group_by`, and its cell of a row.
type Column = (&'static str, fn(&StatisticsRow) -> Option<&str>);

const COLUMNS: [Column; 4] = [
    ("day", |row| row.day.as_deref()),
    ("kind", |row| row.kind.as_deref()),
    ("service", |row| row.service.as_ref().map(Str::as_ref)),
    ("queue", |row| row.queue.as_ref().map(Str::as_ref)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_with_what_was_removed() {
        let row = |queue: Option<&str>, count, removed| StatisticsRow {
            day: Some("2026-11-20".into()),
            kind: Some("deliver".into()),
            service: Some("M\u{7}".into()),
            queue: queue.map(Into::into),
            count,
            removed,
        };
        let rows = vec![row(Some("mes.orders"), 12, 0), row(None, 3, 2)];
        let report = StatisticsReport { rows, total: 15, removed: 2, ..StatisticsReport::default() };
        let expected = "\
DAY         KIND     SERVICE  QUEUE       COUNT  REMOVED
2026-11-20  deliver  M\\u{7}   mes.orders  12
2026-11-20  deliver  M\\u{7}   -           3      2
15 events, 2 of them in partitions that were removed
";
        assert_eq!(render(&report, None, Paint::Bare), expected);
        assert_eq!(render(&StatisticsReport::default(), None, Paint::Bare), "Nothing was recorded.\n");
    }

    #[test]
    fn only_the_group_is_a_column() {
        let row = StatisticsRow { service: Some("MES".into()), count: 1, ..StatisticsRow::default() };
        let (group_by, rows) = (Some("service".to_owned()), vec![row]);
        let report = StatisticsReport { group_by, rows, total: 1, truncated: true, ..StatisticsReport::default() };
        let expected = "\
SERVICE  COUNT  REMOVED
MES      1
1 event; there are more rows, narrow the question with --from, --to or --group-by
";
        assert_eq!(render(&report, None, Paint::Bare), expected);
    }
}
