//! Everything that is wrong with a configuration, collected instead of stopping at the first.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key: `correlate.order_id[2].body`.
    pub key: String,
    /// The problem, and the remedy.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// The problems found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a problem with the setting `key`.
    pub fn add(&mut self, key: impl Into<String>, text: impl fmt::Display) {
        self.0.push(Problem { key: key.into(), text: text.to_string() });
    }

    /// The value, or its error noted and `None`.
    pub fn check<T, E: fmt::Display>(&mut self, key: impl Into<String>, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(key, error)).ok()
    }

    /// Notes a number outside `range`.
    pub fn check_range<T: PartialOrd + fmt::Display>(
        &mut self,
        key: &str,
        value: &T,
        range: std::ops::RangeInclusive<T>,
    ) {
        if !range.contains(value) {
            self.add(key, format_args!("{value} is not between {} and {}", range.start(), range.end()));
        }
    }

    /// Notes a duration of zero.
    pub fn check_positive(&mut self, key: &str, duration: std::time::Duration) {
        if duration.is_zero() {
            self.add(key, "must be longer than 0s");
        }
    }

    /// Nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "problem" } else { "problems" };
        write!(f, "{} {noun} in the configuration:", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
