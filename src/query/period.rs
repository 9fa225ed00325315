//! The period of a question.

use std::ops::Range;

use crate::journal::{ReadError, Reader};
use crate::model::{Seq, Timestamp};

use super::error::BadQuestion;
use super::moment;

/// A period of time. It is open at an end that is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Period {
    /// The first moment in it.
    pub(super) from: Option<Timestamp>,
    /// The first moment after it.
    pub(super) to: Option<Timestamp>,
}

impl Period {
    /// The moments `from`, inclusive, and `to`, exclusive.
    pub(super) fn read(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Period, BadQuestion> {
        let read = |name, text: Option<&str>| text.map(|text| moment::parse(name, text, now)).transpose();
        let period = Period { from: read("from", from)?, to: read("to", to)? };
        match (period.from, period.to) {
            (Some(from), Some(to)) if from > to => {
                let text = format!("from ({from}) is later than to ({to}); exchange them");
                Err(BadQuestion::Parameter(text))
            }
            _ => Ok(period),
        }
    }

    /// The numbers of its events.
    pub(super) fn seqs(self, reader: &Reader) -> Result<Range<Seq>, ReadError> {
        let first = reader.first_seq();
        let past_last = reader.last_seq().next();
        let start = self.from.map_or(Ok(first), |from| reader.seq_at(from))?.max(first);
        let end = self.to.map_or(Ok(past_last), |to| reader.seq_at(to))?.min(past_last);
        Ok(start..end.max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_period_that_runs_backwards_is_refused() {
        let read = |from, to| Period::read(from, to, clock::now());
        let text = read(Some("now"), Some("now-1h")).expect_err("backwards").to_string();
        assert!(text.starts_with("from (") && text.contains("is later than to ("), "{text}");
        assert!(read(Some("now-1h"), Some("now")).is_ok());
        assert_eq!(read(None, None), Ok(Period::default()));
    }
}
