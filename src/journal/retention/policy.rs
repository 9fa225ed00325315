//! The rules: the events that a partition keeps at each age.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::journal::statistics::Count;
use crate::model::{Event, Kind, Source, Str};

/// How long what is kept. Ages are counted from a partition's newest event.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Everything is kept up to this age,
    pub hot: Duration,
    /// everything but the bodies of messages up to this one,
    pub warm: Duration,
    /// and critical events up to this one: dead letters, returned and unroutable messages, gaps, and what hoptrail has
    /// to tell of itself.
    pub cold: Duration,
    /// Bytes that the journal may take on the disk.
    pub max_bytes: Option<u64>,
    /// How full the file system may be, 0 to 1; above it the oldest partitions go.
    pub high_water: f64,
    /// Exceptions; the first that fits an event decides how long it is kept instead of `warm` and `cold`.
    pub rules: Vec<Rule>,
}

/// An exception for some events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Of this kind; `None`: of any.
    pub kind: Option<Kind>,
    /// Published to this exchange.
    pub exchange: Option<Str>,
    /// Of this business system.
    pub service: Option<Str>,
    /// How long they are kept.
    pub keep: Duration,
}

/// What retention has left of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::journal) struct Kept {
    /// Bodies are still there.
    pub(in crate::journal) bodies: bool,
    /// Events that are neither critical nor named by a rule are still there.
    pub(in crate::journal) general: bool,
    /// Critical events that no rule names are still there.
    pub(in crate::journal) critical: bool,
    /// Rules whose events are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::journal) expired: Vec<String>,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { bodies: true, general: true, critical: true, expired: Vec::new() }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kept { general: false, .. } => "cold",
            Kept { bodies: false, .. } => "warm",
            _ => "hot",
        })
    }
}

impl Policy {
    /// What is left of a partition that has come to `age`, of which `before` was left; it never becomes more.
    pub(super) fn kept(&self, age: Duration, before: &Kept) -> Kept {
        let mut expired = before.expired.clone();
        for rule in self.rules.iter().filter(|rule| age >= rule.keep).map(Rule::to_string) {
            if !expired.contains(&rule) {
                expired.push(rule);
            }
        }
        Kept {
            bodies: before.bodies && age < self.hot,
            general: before.general && age < self.warm,
            critical: before.critical && age < self.cold,
            expired,
        }
    }

    /// Nothing is left.
    pub(super) fn is_over(&self, kept: &Kept) -> bool {
        let is_expired = |rule: &Rule| kept.expired.contains(&rule.to_string());
        !kept.general && !kept.critical && self.rules.iter().all(is_expired)
    }

    /// The event stays where this is kept.
    pub(super) fn keeps(&self, kept: &Kept, event: &Event) -> bool {
        match self.rules.iter().find(|rule| rule.fits(event)) {
            Some(rule) => !kept.expired.contains(&rule.to_string()),
            None if is_critical(event) => kept.critical,
            None => kept.general,
        }
    }

    /// Going from `before` to `after` takes something from a partition with these events.
    pub(super) fn takes(&self, before: &Kept, after: &Kept, counts: &[Count]) -> bool {
        let newly_expired = |rule: &&Rule| {
            let name = rule.to_string();
            after.expired.contains(&name) && !before.expired.contains(&name)
        };
        (before.bodies, before.general, before.critical) != (after.bodies, after.general, after.critical)
            || self.rules.iter().filter(newly_expired).any(|rule| counts.iter().any(|row| rule.may_fit(row)))
    }
}

impl Rule {
    fn fits(&self, event: &Event) -> bool {
        self.kind.is_none_or(|kind| kind == event.kind)
            && (self.exchange.is_none() || self.exchange == event.exchange)
            && (self.service.is_none() || self.service == event.service)
    }

    /// Among the events that a row counts may be some that fit. Rows without a service may be a sum.
    fn may_fit(&self, row: &Count) -> bool {
        let service = self.service.is_none() || row.service.is_none() || self.service == row.service;
        self.kind.is_none_or(|kind| kind == row.kind) && service
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("*", Kind::name);
        let name = |name: &Option<Str>| name.as_ref().map_or_else(|| "*".to_owned(), |name| format!("{name:?}"));
        write!(f, "kind={kind} exchange={} service={}", name(&self.exchange), name(&self.service))?;
        write!(f, " keep={}s", self.keep.as_secs())
    }
}

/// What is worth keeping longest.
fn is_critical(event: &Event) -> bool {
    use Kind::{DeadLetter, Gap, Return, Topology, Unroutable};
    match event.kind {
        DeadLetter | Return | Unroutable | Gap => true,
        Topology => event.source == Source::Hoptrail,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    const DAY: Duration = Duration::from_secs(86_400);

    fn policy(rules: Vec<Rule>) -> Policy {
        Policy { hot: 30 * DAY, warm: 90 * DAY, cold: 365 * DAY, max_bytes: None, high_water: 0.8, rules }
    }

    fn event(kind: Kind, exchange: &str) -> Event {
        Event { exchange: Some(exchange.into()), ..Event::new(kind, Source::Binding, Timestamp::default()) }
    }

    #[test]
    fn a_partition_moves_down_with_its_age() {
        let policy = policy(Vec::new());
        let (publish, dead) = (event(Kind::Publish, "mes"), event(Kind::DeadLetter, "mes"));
        for (days, tier, bodies, keeps_publish, keeps_dead) in [
            (0, "hot", true, true, true),
            (29, "hot", true, true, true),
            (30, "warm", false, true, true),
            (90, "cold", false, false, true),
            (365, "cold", false, false, false),
        ] {
            let kept = policy.kept(days * DAY, &Kept::default());
            assert_eq!((kept.to_string().as_str(), kept.bodies), (tier, bodies), "{days} days");
            assert_eq!((policy.keeps(&kept, &publish), policy.keeps(&kept, &dead)), (keeps_publish, keeps_dead));
            assert_eq!(policy.is_over(&kept), days == 365);
        }
    }

    #[test]
    fn a_rule_shortens_and_lengthens() {
        let short = Rule { exchange: Some("noise".into()), keep: DAY, ..Rule::default() };
        let long = Rule { kind: Some(Kind::Gap), keep: 1000 * DAY, ..Rule::default() };
        let policy = policy(vec![short, long]);
        let kept = policy.kept(2 * DAY, &Kept::default());
        assert!(
            !policy.keeps(&kept, &event(Kind::Publish, "noise")) && policy.keeps(&kept, &event(Kind::Publish, "mes"))
        );
        let kept = policy.kept(400 * DAY, &kept);
        assert!(policy.keeps(&kept, &event(Kind::Gap, "mes")) && !policy.keeps(&kept, &event(Kind::DeadLetter, "mes")));
        assert!(!policy.is_over(&kept) && policy.is_over(&policy.kept(1000 * DAY, &kept)));
    }

    #[test]
    fn what_is_gone_does_not_come_back_when_the_rules_change() {
        let kept = policy(Vec::new()).kept(100 * DAY, &Kept::default());
        let longer = Policy { hot: 1000 * DAY, warm: 1000 * DAY, cold: 1000 * DAY, ..policy(Vec::new()) };
        assert_eq!(longer.kept(100 * DAY, &kept), kept);
        assert!(!longer.takes(&kept, &kept, &[]));
    }

    #[test]
    fn a_rule_without_its_events_takes_nothing() {
        let rule = Rule { kind: Some(Kind::Return), service: Some("MES".into()), keep: DAY, ..Rule::default() };
        let policy = policy(vec![rule]);
        let after = policy.kept(2 * DAY, &Kept::default());
        let row = |kind, service: &str| Count { kind, service: Some(service.into()), queue: None, count: 1 };
        let takes = |row| policy.takes(&Kept::default(), &after, &[row]);
        assert!(takes(row(Kind::Return, "MES")));
        assert!(!takes(row(Kind::Return, "CRM")) && !takes(row(Kind::Publish, "MES")));
    }
}
