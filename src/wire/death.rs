//! The newest death of a message, out of `x-death`.
//!
//! `x-death` is a list, newest first, with one entry for each pair of queue and reason; `time` is that pair's first
//! death and never moves, only `count` grows (RabbitMQ's dead-lettering guide, "Effects on the message").

use crate::model::{Death, Str, Timestamp, Value};

/// The header that dead-lettering writes.
const X_DEATH: &str = "x-death";

/// The death that `x-death` names first. `None` where the header is absent or not what a broker writes.
#[must_use]
pub fn newest_death(headers: &[(Str, Value)]) -> Option<Death> {
    let (_, header) = headers.iter().find(|(name, _)| &**name == X_DEATH)?;
    let Value::List(entries) = header else { return None };
    let newest = entries.first()?;
    let field = |name: &str| newest.get(name).and_then(Value::as_text).cloned();
    Some(Death {
        queue: field("queue")?,
        reason: field("reason")?,
        exchange: field("exchange").unwrap_or_else(|| "".into()),
        routing_keys: newest.get("routing-keys").map(texts).unwrap_or_default(),
        count: newest.get("count").and_then(Value::as_u64).unwrap_or(1),
        first_at: newest.get("time").and_then(first_at),
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
