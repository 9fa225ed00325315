//! `[journal.retention]`: how long events are kept.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use crate::model::{Kind, Str};

use super::Problems;

/// The ages up to which events are kept, and the bounds of the journal.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Everything is kept up to this age.
    pub hot: Duration,
    /// Everything except the bodies of messages is kept up to this age.
    pub warm: Duration,
    /// Critical events are kept up to this age.
    pub cold: Duration,
    /// Bytes that the journal may take on the disk; `None`: as many as there are.
    pub max_bytes: Option<u64>,
    /// How full the file system may be, 0 to 1.
    pub high_water: f64,
    /// Bytes a second at which partitions are rewritten.
    pub rate: u64,
    /// Exceptions; the first that matches an event decides.
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
    /// The age up to which they are kept.
    pub keep: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);
/// Complaints of the last month can be answered with the content of messages.
const HOT: Duration = DAY.saturating_mul(30);
/// The way of each message of the last quarter is known.
const WARM: Duration = DAY.saturating_mul(90);
/// The failures of the last year are known.
const COLD: Duration = DAY.saturating_mul(365);
/// A broker on the same disk stops all publishers when the disk is full.
const HIGH_WATER: f64 = 0.8;
/// A disk reads a hundred times as much, and the broker gets the rest.
const RATE: ByteSize = ByteSize::mib(8);

/// How long events are kept. Retention goes by the age of a partition's newest event.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRetention {
    /// Everything is kept up to this age.
    ///
    /// Default: `30days`
    #[serde(with = "humantime_serde")]
    hot: Option<Duration>,
    /// Everything except the bodies of messages is kept up to this age. It must not be shorter than `hot`.
    ///
    /// Default: `90days`
    #[serde(with = "humantime_serde")]
    warm: Option<Duration>,
    /// Critical events are kept up to this age: dead letters, returned and unroutable messages, gaps, and hoptrail's
    /// own reports. After that only their numbers remain. It must not be shorter than `warm`.
    ///
    /// Default: `365days`
    #[serde(with = "humantime_serde")]
    cold: Option<Duration>,
    /// The most bytes of all partitions together. Above it the oldest partitions go.
    ///
    /// Default: no bound
    max_bytes: Option<ByteSize>,
    /// The highest fill of the file system, regardless of the program that fills it. Above it the oldest partitions
    /// go.
    ///
    /// Range: `0.01` to `1.0`
    ///
    /// Default: `0.8`
    high_water: Option<f64>,
    /// The most bytes a second that are read from partitions to rewrite them.
    ///
    /// Range: `64KiB` to `1TiB`
    ///
    /// Default: `8MiB`
    rate: Option<ByteSize>,
    /// Exceptions.
    rule: Vec<RawRule>,
}

/// Exceptions, any number of them: some events are kept longer or shorter than `warm` and `cold` say. The first rule
/// decides whose given `kind`, `exchange` and `service` all match. Bodies go at the age of `hot` all the same. By
/// default there are none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRule {
    /// The rule is for events of this kind; docs/api.md lists the kinds.
    ///
    /// Default: any kind
    kind: Option<Kind>,
    /// The rule is for events that were published to this exchange.
    ///
    /// Default: any exchange
    exchange: Option<Str>,
    /// The rule is for events of this service.
    ///
    /// Default: any service
    service: Option<Str>,
    /// The age up to which these events are kept.
    ///
    /// Default: none; it must be given
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
