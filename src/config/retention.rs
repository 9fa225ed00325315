//! `[journal.retention]`: what is kept for how long.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use crate::model::{Kind, Str};

use super::Problems;

/// How long what is kept.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Everything is kept up to this age,
    pub hot: Duration,
    /// everything but the bodies of messages up to this one,
    pub warm: Duration,
    /// and critical events up to this one.
    pub cold: Duration,
    /// Bytes that the journal may take on the disk; `None`: as many as there are.
    pub max_bytes: Option<u64>,
    /// How full the file system may be, 0 to 1.
    pub high_water: f64,
    /// Bytes a second at which partitions are rewritten.
    pub rate: u64,
    /// Exceptions; the first that fits an event decides.
    pub rules: Vec<RetentionRule>,
}

/// How long some events are kept instead.
#[derive(Clone, Debug, PartialEq)]
pub struct RetentionRule {
    /// Kind of the events; `None`: any.
    pub kind: Option<Kind>,
    /// Exchange they were published to.
    pub exchange: Option<Str>,
    /// The business system that acted.
    pub service: Option<Str>,
    /// How long.
    pub keep: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);
/// A month of complaints can be answered to the letter,
const HOT: Duration = DAY.saturating_mul(30);
/// a quarter by what went where and when,
const WARM: Duration = DAY.saturating_mul(90);
/// and a year by what went wrong.
const COLD: Duration = DAY.saturating_mul(365);
/// The broker beside hoptrail stops all publishers when its disk is full.
const HIGH_WATER: f64 = 0.8;
/// A disk does a hundred times as much; the broker has the rest.
const RATE: ByteSize = ByteSize::mib(8);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRetention {
    #[serde(with = "humantime_serde")]
    hot: Option<Duration>,
    #[serde(with = "humantime_serde")]
    warm: Option<Duration>,
    #[serde(with = "humantime_serde")]
    cold: Option<Duration>,
    max_bytes: Option<ByteSize>,
    high_water: Option<f64>,
    rate: Option<ByteSize>,
    rule: Vec<RawRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRule {
    kind: Option<Kind>,
    exchange: Option<Str>,
    service: Option<Str>,
    #[serde(with = "humantime_serde")]
    keep: Option<Duration>,
}

impl RawRetention {
    pub(super) fn validate(self, problems: &mut Problems) -> Retention {
        let retention = Retention {
            hot: self.hot.unwrap_or(HOT),
            warm: self.warm.unwrap_or(WARM),
            cold: self.cold.unwrap_or(COLD),
            max_bytes: self.max_bytes.map(|bytes| bytes.as_u64()),
            high_water: self.high_water.unwrap_or(HIGH_WATER),
            rate: self.rate.unwrap_or(RATE).as_u64(),
            rules: self
                .rule
                .into_iter()
                .enumerate()
                .filter_map(|(index, rule)| rule.validate(index, problems))
                .collect(),
        };
        if retention.warm < retention.hot {
            problems.add("journal.retention.warm", "must not be less than journal.retention.hot");
        }
        if retention.cold < retention.warm {
            problems.add("journal.retention.cold", "must not be less than journal.retention.warm");
        }
        problems.check_range("journal.retention.high_water", &retention.high_water, 0.01..=1.0);
        problems.check_range("journal.retention.rate", &retention.rate, 64 << 10..=1 << 40);
        problems.check_range("journal.retention.rule", &retention.rules.len(), 0..=RULES_MAX);
        retention
    }
}

/// Each rule is looked at for each event that is rewritten.
const RULES_MAX: usize = 100;

impl RawRule {
    fn validate(self, index: usize, problems: &mut Problems) -> Option<RetentionRule> {
        let key = format!("journal.retention.rule[{index}]");
        if self.kind.is_none() && self.exchange.is_none() && self.service.is_none() {
            problems
                .add(key.clone(), "names neither kind, exchange nor service; for all events set hot, warm and cold");
        }
        let Some(keep) = self.keep else {
            problems.add(key, "says not how long: give keep, such as keep = \"7days\"");
            return None;
        };
        Some(RetentionRule { kind: self.kind, exchange: self.exchange, service: self.service, keep })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    fn problems(text: &str) -> String {
        let flags = text.lines().map(|line| {
            let (key, value) = line.split_once(" = ").expect("a setting");
            (format!("journal.retention.{key}"), value.to_owned())
        });
        load(None, [], &flags.collect()).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn tiers_follow_each_other_and_rules_say_what_and_how_long() {
        assert_eq!(problems("hot = 1day\nwarm = 1day\ncold = 1year\nmax_bytes = 10GiB\nhigh_water = 0.9"), "");
        assert_eq!(
            problems(r#"rule = [{ kind = "gap", keep = "10years" }, { exchange = "noise", keep = "1day" }]"#),
            ""
        );
        for (text, key) in [
            ("warm = 1day", "journal.retention.warm"),
            ("cold = 31days", "journal.retention.cold"),
            ("high_water = 80", "journal.retention.high_water"),
            ("rate = 1", "journal.retention.rate"),
            (r#"rule = [{ keep = "1day" }]"#, "journal.retention.rule[0]"),
            (r#"rule = [{ kind = "gap" }]"#, "journal.retention.rule[0]"),
            (r#"rule = [{ kind = "gpa", keep = "1day" }]"#, "journal.retention.rule"),
            ("hot = never", "journal.retention.hot"),
        ] {
            assert!(problems(text).contains(key), "{text}: {}", problems(text));
        }
    }
}
