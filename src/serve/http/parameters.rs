//! The parameters of a URL: each known one at most once, unknown ones named.

use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use crate::clock;
use crate::model::Timestamp;

use super::problem::Refusal;
use crate::serve::moment;

/// The parameters of one request. Empty values count as given.
#[derive(Debug)]
pub(in crate::serve) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the parameters of a URL that knows the names `known`.
    pub(in crate::serve) fn read(uri: &Uri, known: &[&str]) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = pairs.map_err(|error| Refusal::BadQuery(error.body_text()))?;
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Refusal::BadQuery(format!("{name:?} is not a parameter of this route; it knows {known}")));
            }
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Refusal::BadQuery(format!("{name} is given twice; give it once")));
            }
        }
        Ok(Parameters(pairs))
    }

    /// A parameter's text.
    pub(in crate::serve) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of a type that says itself what it accepts.
    pub(in crate::serve) fn parse<T>(&self, name: &str) -> Result<Option<T>, Refusal>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let parsed = self.text(name).map(str::parse).transpose();
        parsed.map_err(|error| Refusal::BadQuery(format!("{name}: {error}")))
    }

    /// One of a list of words; the first stands for a parameter that is not given.
    pub(in crate::serve) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            Refusal::BadQuery(format!("{name}: {text:?} is not one of {}", words.join(", ")))
        })
    }

    /// How many things the answer may hold.
    pub(in crate::serve) fn limit(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        let limit = self.parse("limit")?.unwrap_or(default);
        if (1..=max).contains(&limit) {
            return Ok(limit);
        }
        Err(Refusal::BadQuery(format!("limit: {limit} is not between 1 and {max}")))
    }

    /// The moments `from`, inclusive, and `to`, exclusive.
    pub(in crate::serve) fn period(&self) -> Result<Period, Refusal> {
        let now = clock::now();
        let read = |name| self.text(name).map(|text| moment::parse(name, text, now)).transpose();
        let period = Period { from: read("from")?, to: read("to")? };
        match (period.from, period.to) {
            (Some(from), Some(to)) if from > to => {
                Err(Refusal::BadQuery(format!("from ({from}) is later than to ({to}); exchange them")))
            }
            _ => Ok(period),
        }
    }

    /// All parameters but those named, in the order of their names: what makes two searches the same.
    pub(in crate::serve) fn without(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let mut kept: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        kept.sort_unstable();
        kept
    }
}

/// A period of time, open where nothing is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct Period {
    /// The first moment in it.
    pub(in crate::serve) from: Option<Timestamp>,
    /// The first moment after it.
    pub(in crate::serve) to: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Parameters, Refusal> {
        Parameters::read(&format!("/events?{query}").parse().unwrap(), &["kind", "limit", "from", "to"])
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.expect_err("a wrong query").to_string()
    }

    #[test]
    fn an_unknown_parameter_is_told_which_are_known() {
        let text = refusal(read("knd=publish"));
        assert_eq!(text, "\"knd\" is not a parameter of this route; it knows kind, limit, from, to");
        assert_eq!(refusal(read("limit=1&limit=2")), "limit is given twice; give it once");
    }

    #[test]
    fn limits_are_checked() {
        assert_eq!(read("").unwrap().limit(100, 1000), Ok(100));
        assert_eq!(read("limit=7").unwrap().limit(100, 1000), Ok(7));
        for wrong in ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=ten"] {
            assert!(refusal(read(wrong).unwrap().limit(100, 1000)).starts_with("limit: "), "{wrong}");
        }
    }

    #[test]
    fn a_period_that_runs_backwards_is_refused() {
        let text = refusal(read("from=now&to=now-1h").unwrap().period());
        assert!(text.starts_with("from (") && text.contains("is later than to ("), "{text}");
        assert!(read("from=now-1h&to=now").unwrap().period().is_ok());
        assert_eq!(read("").unwrap().period(), Ok(Period::default()));
    }

    #[test]
    fn values_are_percent_decoded() {
        let parameters = read("kind=a%26b%20c%2B%1b").unwrap();
        assert_eq!(parameters.text("kind"), Some("a&b c+\u{1b}"));
    }
}
