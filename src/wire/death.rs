//! The deaths in a message's `x-death`, and the dead letters that a delivery reveals by it.
//!
//! `x-death` is a list, newest first, with one entry for each pair of queue and reason. `time` is that pair's first
//! death and never moves; only `count` grows (RabbitMQ's dead-lettering guide, "Effects on the message").

use crate::model::{Death, Event, Kind, Str, Timestamp, Value};

/// The header that dead-lettering writes.
const X_DEATH: &str = "x-death";

/// The most entries that are read. Of a message that went through more queues, the newest are read.
const DEATHS_MAX: usize = 16;

/// The death that `x-death` names first. `None`: the header is absent, or no broker writes it like this.
#[must_use]
pub fn newest_death(headers: &[(Str, Value)]) -> Option<Death> {
    deaths(headers).next()
}

/// The dead letter that only its delivery reveals. The broker sent it on with its exchange and routing key.
#[must_use]
pub fn told_by_delivery(delivery: &Event, death: Death) -> Event {
    Event {
        kind: Kind::DeadLetter,
        observed_late: true,
        queue: Some(death.queue.clone()),
        death: Some(death),
        redelivered: None,
        delivery_tag: None,
        consumer_tag: None,
        settlement: None,
        session: None,
        ..delivery.clone()
    }
}

/// The deaths that `x-death` names, the newest first. They stop at an entry that no broker writes.
pub(super) fn deaths(headers: &[(Str, Value)]) -> impl Iterator<Item = Death> {
    let entries = match headers.iter().find(|(name, _)| &**name == X_DEATH) {
        Some((_, Value::List(entries))) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().take(DEATHS_MAX).map_while(death)
}

fn death(entry: &Value) -> Option<Death> {
    let field = |name: &str| entry.get(name).and_then(Value::as_text).cloned();
    Some(Death {
        queue: field("queue")?,
        reason: field("reason")?,
        exchange: field("exchange").unwrap_or_else(|| "".into()),
        routing_keys: entry.get("routing-keys").map(texts).unwrap_or_default(),
        count: entry.get("count").and_then(Value::as_u64).unwrap_or(1),
        first_at: entry.get("time").and_then(first_at),
    })
}

fn texts(value: &Value) -> Vec<Str> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_text).cloned().collect(),
        _ => Vec::new(),
    }
}

fn first_at(value: &Value) -> Option<Timestamp> {
    let Value::Timestamp(seconds) = value else { return None };
    let micros = i64::try_from(*seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn entry(queue: &str, reason: &str, count: i64) -> Value {
        Value::Table(vec![
            ("count".into(), Value::Int(count)),
            ("exchange".into(), text("mes.commands")),
            ("queue".into(), text(queue)),
            ("reason".into(), text(reason)),
            ("routing-keys".into(), Value::List(vec![text("order.approved"), text("copy")])),
            ("time".into(), Value::Timestamp(1_795_226_400)),
        ])
    }

    fn headers(value: Value) -> Vec<(Str, Value)> {
        vec![("x-first-death-queue".into(), text("other")), ("x-death".into(), value)]
    }

    #[test]
    fn the_first_entry_is_the_newest_death() {
        let list = Value::List(vec![entry("mes.orders", "rejected", 3), entry("mes.retry", "expired", 2)]);
        let death = newest_death(&headers(list)).expect("a death");
        let expected = Death {
            queue: "mes.orders".into(),
            reason: "rejected".into(),
            exchange: "mes.commands".into(),
            routing_keys: vec!["order.approved".into(), "copy".into()],
            count: 3,
            first_at: Some(Timestamp::from_micros(1_795_226_400_000_000)),
        };
        assert_eq!(death, expected);
    }

    #[test]
    fn what_no_broker_writes_is_no_death() {
        let nameless = Value::Table(vec![("reason".into(), text("rejected"))]);
        for value in [Value::Null, text("x"), Value::List(vec![]), Value::List(vec![nameless]), Value::TooDeep] {
            assert_eq!(newest_death(&headers(value.clone())), None, "{value:?}");
        }
        assert_eq!(newest_death(&[]), None);
    }

    #[test]
    fn a_time_past_the_calendar_is_left_out_or_moved_to_its_end() {
        let far = Value::Table(vec![
            ("queue".into(), text("q")),
            ("reason".into(), text("expired")),
            ("time".into(), Value::Timestamp(u64::MAX)),
        ]);
        let death = newest_death(&headers(Value::List(vec![far]))).expect("a death");
        assert_eq!((death.first_at, death.count, &*death.exchange), (None, 1, ""));
    }
}
