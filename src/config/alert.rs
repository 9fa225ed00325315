//! `[alert]`: when dead letters are a spike, and where alerts are sent.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::Problems;
use super::broker::http_url;
use super::secret::{Secret, resolve};
use super::tap::Patterns;

/// Detectors and receivers.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Dead-letter spikes.
    pub dead_letter_spikes: Vec<SpikeRule>,
    /// The receiver of alerts, besides the log.
    pub webhook: Option<Webhook>,
}

/// Fires when, within `window`, at least `threshold` messages were dead-lettered by one queue for one reason.
#[derive(Clone, Debug)]
pub struct SpikeRule {
    /// Names the rule in alerts.
    pub name: String,
    /// Queues it looks at; each is counted by itself.
    pub queues: Patterns,
    /// Reasons it looks at, each counted by itself; empty: all.
    pub reasons: Vec<String>,
    /// Dead letters that make a spike.
    pub threshold: u64,
    /// The sliding window.
    pub window: Duration,
    /// The alert is resolved when the count has stayed below the threshold this long.
    pub resolve_after: Duration,
}

/// An HTTP receiver.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Gets a POST with the alert as JSON. May carry a token, so it is not printed.
    pub url: Secret,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Ten dead letters of one queue in five minutes are more than a single broken order.
const THRESHOLD: u64 = 10;
const WINDOW: Duration = Duration::from_secs(300);
/// A receiver that takes longer is down.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Alerts, and where they are sent besides the log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAlert {
    /// Rules for dead-letter spikes.
    dead_letter_spikes: Option<Vec<RawSpike>>,
    /// A URL that gets a POST with each alert as JSON.
    ///
    /// Default: none
    webhook_url: Option<Secret>,
    /// A file that holds this URL instead.
    ///
    /// Default: none
    webhook_url_file: Option<PathBuf>,
    /// The longest time for a request to the webhook.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `10s`
    #[serde(with = "humantime_serde")]
    webhook_timeout: Option<Duration>,
}

/// Rules for dead-letter spikes, any number of them; by default there is one. A rule fires when one queue dead-letters
/// many messages for one reason within the window.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSpike {
    /// The name of the rule in alerts. Two rules must not have the same name.
    ///
    /// Default: `dead-letter-spike`
    name: Option<String>,
    /// The queues that the rule looks at, as patterns. Each queue is counted by itself.
    ///
    /// Default: `["*"]`
    queues: Option<Vec<String>>,
    /// The reasons that the rule looks at. Each reason is counted by itself; an empty list means all.
    ///
    /// Values: `rejected`, `expired`, `maxlen`, `delivery_limit`
    ///
    /// Default: `[]`
    reasons: Vec<String>,
    /// The number of dead letters within the window at which the rule fires.
    ///
    /// Range: `1` to `1000000`
    ///
    /// Default: `10`
    threshold: Option<u64>,
    /// The length of the sliding window.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `5m`
    #[serde(with = "humantime_serde")]
    window: Option<Duration>,
    /// The alert is over when the count has stayed below the threshold for this time.
    ///
    /// Default: as long as `window`
    #[serde(with = "humantime_serde")]
    resolve_after: Option<Duration>,
}

impl RawAlert {
    pub(super) fn validate(self, problems: &mut Problems) -> Alert {
        let spikes = self.dead_letter_spikes.unwrap_or_else(|| vec![RawSpike::default()]);
        let rules: Vec<SpikeRule> =
            spikes.into_iter().enumerate().map(|(index, raw)| raw.validate(index, problems)).collect();
        for (index, rule) in rules.iter().enumerate() {
            if rules.iter().take(index).any(|earlier| earlier.name == rule.name) {
                problems.add(
                    format!("alert.dead_letter_spikes[{index}].name"),
                    format_args!("{:?} names two rules", rule.name),
                );
            }
        }
        let timeout = self.webhook_timeout.unwrap_or(WEBHOOK_TIMEOUT);
        problems.check_positive("alert.webhook_timeout", timeout);
        let url = resolve("alert.webhook_url", self.webhook_url, self.webhook_url_file, problems);
        let webhook = url.and_then(|url| {
            let checked = http_url(url.reveal()).map_err(|_| "is not of the form http://host:port/path");
            problems.check("alert.webhook_url", checked)?;
            Some(Webhook { url, timeout })
        });
        Alert { dead_letter_spikes: rules, webhook }
    }
}

impl RawSpike {
    fn validate(self, index: usize, problems: &mut Problems) -> SpikeRule {
        let key = format!("alert.dead_letter_spikes[{index}]");
        const REASONS: [&str; 4] = ["rejected", "expired", "maxlen", "delivery_limit"];
        for (at, reason) in self.reasons.iter().enumerate() {
            if !REASONS.contains(&reason.as_str()) {
                problems.add(
                    format!("{key}.reasons[{at}]"),
                    format_args!("{reason:?} is not one of {}", REASONS.join(", ")),
                );
            }
        }
        let window = self.window.unwrap_or(WINDOW);
        let rule = SpikeRule {
            name: self.name.unwrap_or_else(|| "dead-letter-spike".into()),
            queues: Patterns::compile(
                &format!("{key}.queues"),
                self.queues.unwrap_or_else(|| vec!["*".into()]),
                problems,
            ),
            reasons: self.reasons,
            threshold: self.threshold.unwrap_or(THRESHOLD),
            window,
            resolve_after: self.resolve_after.unwrap_or(window),
        };
        problems.check_range(&format!("{key}.threshold"), &rule.threshold, 1..=1_000_000);
        problems.check_positive(&format!("{key}.window"), rule.window);
        rule
    }
}
