//! Times and durations as sentences have them.

use std::time::Duration;

use crate::model::Timestamp;

/// `2026-11-20 10:32:07`, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// The two largest units: `4m 10s`, `2days 3h`; milliseconds only below a second.
pub(super) fn span(duration: Duration) -> String {
    let rounded = match duration.as_secs() {
        0 => Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(0)),
        1..3600 => Duration::from_secs(duration.as_secs()),
        3600..86_400 => Duration::from_secs(duration.as_secs() / 60 * 60),
        seconds => Duration::from_secs(seconds / 3600 * 3600),
    };
    humantime::format_duration(rounded).to_string()
}

/// A reason of a death, as the end of "the queue gave it up because": for people, with RabbitMQ's word for it.
pub(super) fn because(reason: &str) -> String {
    let words = match reason {
        "rejected" => "a consumer refused it",
        "expired" => "it had not been consumed in time",
        "maxlen" => "the queue was full",
        "delivery_limit" => "it was delivered too often without being acknowledged",
        _ => "of a reason this version does not know",
    };
    format!("{words} ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, expected) in
            [(0.25, "250ms"), (7.9, "7s"), (250.0, "4m 10s"), (7380.0, "2h 3m"), (180_000.0, "2days 2h")]
        {
            assert_eq!(span(Duration::from_secs_f64(seconds)), expected);
        }
    }

    #[test]
    fn moments_have_no_fractions() {
        assert_eq!(moment(Timestamp::from_micros(1_795_226_400_123_456)), "2026-11-21 02:00:00");
    }
}
