//! Moments and lengths. Each has one form in every text for a person.

use std::time::Duration;

use crate::model::{Timestamp, named};

use super::language::Words;

named! {
    /// A unit of time.
    Unit {
        /// Of 24 hours.
        Days = "days",
        /// Of 60 minutes.
        Hours = "hours",
        /// Of 60 seconds.
        Minutes = "minutes",
        /// Of 1000 milliseconds.
        Seconds = "seconds",
        /// The smallest unit that is shown.
        Milliseconds = "milliseconds",
    }
}

/// The number of seconds in each unit. Milliseconds stand alone.
const SECONDS: [(Unit, u64); 4] = [(Unit::Days, 86_400), (Unit::Hours, 3600), (Unit::Minutes, 60), (Unit::Seconds, 1)];

impl Words {
    /// `21 Nov 2026, 14:02:11 UTC`.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        let utc = at.utc();
        let clock = format!("{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second());
        self.moment_at(number(utc.day()), number(utc.month()), number(utc.year()), &clock)
    }

    /// `21 Nov 2026, 14:02:11.123`, for a table that says that its times are in UTC.
    #[must_use]
    pub fn moment_bare(&self, at: Timestamp) -> String {
        let utc = at.utc();
        let clock = format!("{:02}:{:02}:{:02}.{:03}", utc.hour(), utc.minute(), utc.second(), utc.millisecond());
        self.moment_bare_at(number(utc.day()), number(utc.month()), number(utc.year()), &clock)
    }

    /// `2 d 4 h`, `42 min`, `8 s`, `3 ms`: the two largest units, cut off below. Milliseconds stand only below a
    /// second, rounded.
    #[must_use]
    pub fn length(&self, length: Duration) -> String {
        let seconds = length.as_secs();
        let Some(first) = SECONDS.iter().position(|(_, size)| seconds >= *size) else {
            let rounded = (length.subsec_micros() + 500) / 1000;
            return self.length_part(rounded.min(999).into(), Unit::Milliseconds);
        };
        let (mut left, mut parts) = (seconds, Vec::new());
        for (unit, size) in SECONDS.iter().skip(first).take(2) {
            let count = left / size;
            left %= size;
            if count > 0 {
                parts.push(self.length_part(count, *unit));
            }
        }
        parts.join(" ")
    }
}

/// A part of a date: never below 1.
fn number(part: impl Into<i64>) -> u64 {
    part.into().unsigned_abs()
}
