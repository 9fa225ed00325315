//! Time as the journal keeps it: microseconds since 1970-01-01 UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in microseconds since the Unix epoch. Written as RFC 3339 in UTC with six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

/// Microseconds in a day; days in UTC have no leap seconds here.
const DAY_MICROS: i64 = 86_400_000_000;

impl Timestamp {
    /// The earliest and latest moments that print as RFC 3339 (years 0001 to 9999), in microseconds.
    const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_207_199_999_999;

    /// From microseconds since the epoch; what no calendar can print is moved to the nearest moment that one can.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Timestamp(micros.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// This moment moved back by `duration`.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros(duration)))
    }

    /// This moment moved forward by `duration`.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(duration)))
    }

    /// Days since the epoch, in UTC: the partition an event of this moment belongs to.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY_MICROS)
    }

    /// The first moment of a day counted since the epoch.
    #[must_use]
    pub fn start_of_day(day: i64) -> Self {
        Self::from_micros(day.saturating_mul(DAY_MICROS))
    }

    /// The date and the time of day, in UTC.
    #[must_use]
    pub fn utc(self) -> jiff::civil::DateTime {
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        jiff::tz::Offset::UTC.to_datetime(moment)
    }

    /// The calendar date in UTC, `2026-11-20`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|c| *c != 'T').collect()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError(text.to_owned()))?;
        Ok(Self::from_micros(moment.as_microsecond()))
    }
}

/// The text is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time like 2026-11-20T09:30:00Z")]
pub struct TimestampError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_what_it_writes() {
        let moment = Timestamp::from_micros(1_795_226_400_123_456);
        assert_eq!(moment.to_string(), "2026-11-21T02:00:00.123456Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!(moment.date(), "2026-11-21");
        assert_eq!(Timestamp::start_of_day(moment.day()).to_string(), "2026-11-21T00:00:00.000000Z");
    }

    #[test]
    fn arithmetic_stops_at_the_calendar_s_ends() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
        assert!(end.to_string().starts_with("9999-12-3"), "{end}");
        assert_eq!(Timestamp::default().since(end), Duration::ZERO);
    }
}
