//! How many events were recorded, by day, kind, service and queue. Events that retention removed count as well.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::journal::{self, Count};
use crate::model::api::{StatisticsReport, StatisticsRow};
use crate::model::{Kind, Str, Timestamp, named};
use crate::question;

use super::error::{BadQuestion, Unreadable};
use super::handles::Handles;
use super::period::Period;
use super::read::parse;

/// Rows of one answer: room for a year of thirty rows a day, and few enough for a spreadsheet.
const ROWS_MAX: usize = 12_000;

named! {
    /// The value that the rows are told apart by.
    GroupBy {
        /// The day (UTC).
        Day = "day",
        /// The kind of the events.
        Kind = "kind",
        /// The business system.
        Service = "service",
        /// The queue.
        Queue = "queue",
    }
}

/// The values that the events of a row share. `None`: the rows do not tell this value apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    day: Reverse<Option<i64>>,
    kind: Option<Kind>,
    service: Option<Str>,
    queue: Option<Str>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: u64,
    removed: u64,
}

/// The question for the number of recorded events.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    by: Option<GroupBy>,
    period: Period,
}

impl Statistics {
    /// Reads the question.
    ///
    /// # Errors
    /// The question has no meaning.
    pub fn read(asked: &question::Statistics, now: Timestamp) -> Result<Statistics, BadQuestion> {
        let by = parse("group_by", asked.group_by.as_deref())?;
        Ok(Statistics { by, period: Period::read(asked.from.as_deref(), asked.to.as_deref(), now)? })
    }

    /// Rows with counts. The events of a partition are of one day and are counted together. The period therefore
    /// chooses whole days: every day that it touches.
    ///
    /// # Errors
    /// The files of removed partitions cannot be read.
    pub fn answer(&self, handles: &Handles) -> Result<StatisticsReport, Unreadable> {
        Ok(count(&handles.reader.statistics()?, self.by, self.period, ROWS_MAX))
    }
}

fn count(statistics: &[journal::Statistics], by: Option<GroupBy>, period: Period, rows_max: usize) -> StatisticsReport {
    let mut rows: HashMap<Key, Sum> = HashMap::new();
    let (mut total, mut truncated) = (Sum::default(), false);
    // Newest first, as the bound leaves out the oldest.
    for part in statistics.iter().rev().filter(|part| touches(period, part.from.day())) {
        for row in &part.counts {
            total.add(row.count, part.kept);
            let key = key(by, part.from.day(), row);
            if rows.len() < rows_max || rows.contains_key(&key) {
                rows.entry(key).or_default().add(row.count, part.kept);
            } else {
                truncated = true;
            }
        }
    }
    let mut rows: Vec<(Key, Sum)> = rows.into_iter().collect();
    // Rows are sorted by day first. Rows without a day are sorted by their counts.
    rows.sort_by(|(a, a_sum), (b, b_sum)| {
        let by_count = if a.day.0.is_none() { b_sum.count.cmp(&a_sum.count) } else { std::cmp::Ordering::Equal };
        by_count.then_with(|| a.cmp(b))
    });
    let name = by.map(|by| by.to_string());
    let Sum { count: total, removed } = total;
    StatisticsReport { group_by: name, rows: rows.into_iter().map(view).collect(), total, removed, truncated }
}

/// Whether some of the day lies in the period.
fn touches(period: Period, day: i64) -> bool {
    period.from.is_none_or(|from| day >= from.day()) && period.to.is_none_or(|to| Timestamp::start_of_day(day) < to)
}

fn key(by: Option<GroupBy>, day: i64, row: &Count) -> Key {
    let wanted = |grouping| by.is_none_or(|by| by == grouping);
    Key {
        day: Reverse(wanted(GroupBy::Day).then_some(day)),
        kind: wanted(GroupBy::Kind).then_some(row.kind),
        service: row.service.clone().filter(|_| wanted(GroupBy::Service)),
        queue: row.queue.clone().filter(|_| wanted(GroupBy::Queue)),
    }
}

impl Sum {
    fn add(&mut self, count: u64, kept: bool) {
        self.count += count;
        self.removed += if kept { 0 } else { count };
    }
}

fn view((Key { day, kind, service, queue }, sum): (Key, Sum)) -> StatisticsRow {
    StatisticsRow {
        day: day.0.map(|day| Timestamp::start_of_day(day).date()),
        kind: kind.map(|kind| kind.name().to_owned()),
        service,
        queue,
        count: sum.count,
        removed: sum.removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Seq;

    const DAY: i64 = 86_400_000_000;

    fn row(kind: Kind, service: &str, queue: &str, count: u64) -> Count {
        let text = |text: &str| (!text.is_empty()).then(|| text.into());
        Count { kind, service: text(service), queue: text(queue), count }
    }

    /// A partition that begins an hour after midnight.
    fn part(day: i64, kept: bool, counts: Vec<Count>) -> journal::Statistics {
        let from = Timestamp::from_micros(day * DAY + DAY / 24);
        let to = Timestamp::from_micros(day * DAY + DAY - 1);
        journal::Statistics { first: Seq(1), last: Seq(9), from, to, kept, counts }
    }

    fn three_days() -> Vec<journal::Statistics> {
        vec![
            part(0, false, vec![row(Kind::Publish, "Shop", "", 7), row(Kind::Deliver, "MES", "mes", 5)]),
            part(1, false, vec![row(Kind::Publish, "Shop", "", 1)]),
            part(1, true, vec![row(Kind::Publish, "Shop", "", 2), row(Kind::Deliver, "CRM", "crm", 20)]),
            part(2, true, vec![row(Kind::Publish, "Shop", "", 3)]),
        ]
    }

    fn short(report: &StatisticsReport) -> Vec<String> {
        let text = |part: Option<&str>| part.unwrap_or("-").to_owned();
        let line = |row: &StatisticsRow| {
            let names = [row.day.as_deref(), row.kind.as_deref(), row.service.as_deref(), row.queue.as_deref()];
            format!("{} {} {}", names.map(text).join(" "), row.count, row.removed)
        };
        report.rows.iter().map(line).collect()
    }

    fn check(by: Option<GroupBy>, period: Period, expected: &[&str]) {
        let report = count(&three_days(), by, period, ROWS_MAX);
        assert_eq!(short(&report), expected);
        assert_eq!(report.total, report.rows.iter().map(|row| row.count).sum::<u64>());
        assert_eq!(report.removed, report.rows.iter().map(|row| row.removed).sum::<u64>());
        assert!(!report.truncated);
    }

    #[test]
    fn rows_have_day_kind_service_and_queue_newest_day_first() {
        let expected = [
            "1970-01-03 publish Shop - 3 0",
            "1970-01-02 publish Shop - 3 1",
            "1970-01-02 deliver CRM crm 20 0",
            "1970-01-01 publish Shop - 7 7",
            "1970-01-01 deliver MES mes 5 5",
        ];
        check(None, Period::default(), &expected);
    }

    #[test]
    fn rows_are_summed_by_what_is_asked_for() {
        let all = Period::default();
        let days = ["1970-01-03 - - - 3 0", "1970-01-02 - - - 23 1", "1970-01-01 - - - 12 12"];
        check(Some(GroupBy::Day), all, &days);
        check(Some(GroupBy::Kind), all, &["- deliver - - 25 5", "- publish - - 13 8"]);
        check(Some(GroupBy::Service), all, &["- - CRM - 20 0", "- - Shop - 13 8", "- - MES - 5 5"]);
        check(Some(GroupBy::Queue), all, &["- - - crm 20 0", "- - - - 13 8", "- - - mes 5 5"]);
    }

    #[test]
    fn a_period_takes_the_days_that_it_touches() {
        let period = |from: i64, to: i64| Period {
            from: Some(Timestamp::from_micros(from)),
            to: Some(Timestamp::from_micros(to)),
        };
        let second = ["1970-01-02 - - - 23 1"];
        check(Some(GroupBy::Day), period(DAY, 2 * DAY), &second);
        check(Some(GroupBy::Day), period(2 * DAY - 1, 2 * DAY), &second);
        check(Some(GroupBy::Day), period(DAY, DAY + 1), &second);
        check(Some(GroupBy::Day), period(DAY - 1, DAY), &["1970-01-01 - - - 12 12"]);
        check(Some(GroupBy::Day), period(3 * DAY, 9 * DAY), &[]);
    }

    #[test]
    fn rows_beyond_the_bound_are_in_the_total_only() {
        let report = count(&three_days(), None, Period::default(), 3);
        assert_eq!((report.rows.len(), report.total, report.removed, report.truncated), (3, 38, 13, true));
        assert_eq!(report.rows.last().and_then(|row| row.day.as_deref()), Some("1970-01-02"));
        // Events of a row that exists already are still counted.
        let report = count(&three_days(), Some(GroupBy::Kind), Period::default(), 1);
        assert_eq!(short(&report), ["- publish - - 13 8"]);
        assert!(report.truncated);
    }
}
