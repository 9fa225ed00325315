//! Dead letters in groups: by queue, reason, exchange or service.

use std::collections::HashMap;

use crate::clock;
use crate::journal::{Order, ReadError, Reader, Term};
use crate::model::api::{DeadLetterGroup, DeadLettersReport, EventView};
use crate::model::{Event, Kind, Timestamp, named};
use crate::question;

use super::budget::Budget;
use super::damage::{Answer, Damage};
use super::error::{BadQuestion, Unreadable};
use super::handles::Handles;
use super::period::Period;
use super::read::parse;

/// Dead letters counted for one answer. A hundred thousand already show the size of an incident.
const COUNTED: Budget = Budget { events_max: 100_000, time_max: std::time::Duration::from_secs(10) };
/// Groups in one answer; dead letters of further ones are counted under [`OTHER`].
const GROUPS_MAX: usize = 1000;
/// Samples of a group.
const SAMPLES_MAX: usize = 3;
/// Reasons of a group. RabbitMQ has four; the bound is there because headers can be forged.
const REASONS_MAX: usize = 16;
const OTHER: &str = "other";
const UNKNOWN: &str = "unknown";

named! {
    /// The value that the dead letters of a group share.
    GroupBy {
        /// The queue that gave the message up.
        Queue = "queue",
        /// The reason.
        Reason = "reason",
        /// The exchange that the message had been published to.
        Exchange = "exchange",
        /// The business system.
        Service = "service",
    }
}

/// The question for the number of dead letters.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetters {
    by: GroupBy,
    period: Period,
}

impl DeadLetters {
    /// Reads the question.
    ///
    /// # Errors
    /// The question has no meaning.
    pub fn read(asked: &question::DeadLetters, now: Timestamp) -> Result<DeadLetters, BadQuestion> {
        let by = parse("group_by", asked.group_by.as_deref())?.unwrap_or(GroupBy::Queue);
        let period = Period::read(asked.from.as_deref(), asked.to.as_deref(), now)?;
        Ok(DeadLetters { by, period })
    }

    /// Groups with counts, the largest first.
    ///
    /// # Errors
    /// Too much of the journal cannot be read.
    pub fn answer(&self, handles: &Handles) -> Result<Answer<DeadLettersReport>, Unreadable> {
        Ok(count(&handles.reader, self.by, self.period, COUNTED)?)
    }
}

fn count(reader: &Reader, by: GroupBy, period: Period, budget: Budget) -> Result<Answer<DeadLettersReport>, ReadError> {
    let begun = clock::instant();
    let mut groups: HashMap<String, DeadLetterGroup> = HashMap::new();
    let (mut total, mut truncated, mut left_out) = (0, false, Damage::default());
    for event in reader.find(&Term::Kind(Kind::DeadLetter), period.seqs(reader)?, Order::Descending) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                left_out.note(error)?;
                continue;
            }
        };
        if total > 0 && budget.is_spent(total, begun) {
            truncated = true;
            break;
        }
        total += 1;
        let key = key(by, &event);
        let key = if groups.len() < GROUPS_MAX || groups.contains_key(&key) { key } else { OTHER.to_owned() };
        add(groups.entry(key).or_default(), &event);
    }
    let mut groups: Vec<DeadLetterGroup> =
        groups.into_iter().map(|(key, group)| DeadLetterGroup { key, ..group }).collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    let report = DeadLettersReport { group_by: by.to_string(), groups, total: total as u64, truncated };
    Ok(Answer { view: report, left_out })
}

fn key(by: GroupBy, event: &Event) -> String {
    let death = event.death.as_ref();
    let found = match by {
        GroupBy::Queue => death.map(|death| &death.queue),
        GroupBy::Reason => death.map(|death| &death.reason),
        GroupBy::Exchange => death.map(|death| &death.exchange),
        GroupBy::Service => event.service.as_ref(),
    };
    found.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)
}

/// Adds a dead letter that is older than all others in the group.
fn add(group: &mut DeadLetterGroup, event: &Event) {
    let reason = event.death.as_ref().map_or(UNKNOWN, |death| &death.reason);
    let known = group.reasons.len() < REASONS_MAX || group.reasons.contains_key(reason);
    *group.reasons.entry(if known { reason } else { OTHER }.to_owned()).or_default() += 1;
    if group.count == 0 {
        group.last_at = event.at;
    }
    group.count += 1;
    group.first_at = event.at;
    if group.samples.len() < SAMPLES_MAX {
        group.samples.push(EventView::brief(event));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Filled, event};
    use super::*;
    use crate::model::Death;

    fn dead_letters(count: u64, queue: impl Fn(u64) -> String) -> Filled {
        let one = |seq| {
            let death = Death {
                queue: queue(seq).into(),
                reason: "expired".into(),
                exchange: "".into(),
                routing_keys: vec![],
                count: 1,
                first_at: None,
            };
            Event { death: Some(death), ..event(Kind::DeadLetter, seq) }
        };
        Filled::new((1..=count).map(one).collect())
    }

    #[test]
    fn the_newest_are_counted_when_there_are_too_many() {
        let journal = dead_letters(10, |_| "q".to_owned());
        let budget = Budget { events_max: 4, ..COUNTED };
        let report = count(&journal.reader, GroupBy::Queue, Period::default(), budget).unwrap().view;
        assert_eq!((report.total, report.truncated), (4, true));
        assert_eq!(report.groups[0].samples[0].seq, 10);
        let budget = Budget { events_max: 10, ..COUNTED };
        let report = count(&journal.reader, GroupBy::Queue, Period::default(), budget).unwrap().view;
        assert_eq!((report.total, report.truncated), (10, false));
    }

    #[test]
    fn groups_beyond_the_bound_are_counted_together() {
        let journal = dead_letters(1010, |seq| format!("q{seq}"));
        let report = count(&journal.reader, GroupBy::Queue, Period::default(), COUNTED).unwrap().view;
        assert_eq!((report.groups.len(), report.total), (GROUPS_MAX + 1, 1010));
        assert_eq!((report.groups[0].key.as_str(), report.groups[0].count), (OTHER, 10));
    }
}
