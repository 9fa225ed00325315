//! `[tap]`: the exchanges that the tap binds to, and the bounds of its queues.

use std::time::Duration;

use bytesize::ByteSize;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::Problems;

/// The exchanges that the tap binds to, and the bounds of its queues.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Switched on.
    pub enabled: bool,
    /// Application exchanges to bind to. Exchanges that split load are refused whatever matches.
    pub exchanges: Patterns,
    /// Application exchanges left alone, though they match `exchanges`.
    pub exclude: Patterns,
    /// Dead-letter exchanges that no queue argument and no policy names, or that cannot be discovered.
    pub dead_letter_exchanges: Vec<String>,
    /// Find dead-letter exchanges in queue arguments and policies, through the management API.
    pub discover_dead_letter_exchanges: bool,
    /// Observe `amq.rabbitmq.trace`, and keep tracing switched on.
    pub firehose: bool,
    /// Observe `amq.rabbitmq.event`, where the plugin is on.
    pub events: bool,
    /// Distinguishes several hoptrails on one broker: queues are named `hoptrail.<instance>.<source>`.
    pub instance: String,
    /// Bound of each of the tap's queues on the broker, in bytes; past it the oldest messages are dropped.
    pub queue_bytes_max: u64,
    /// A tap queue that nobody reads is removed after this time.
    pub queue_expires: Duration,
    /// Deliveries under way to hoptrail, for each tap queue.
    pub prefetch: u16,
    /// How often the topology is looked at again, where nothing announces changes.
    pub refresh: Duration,
}

impl Tap {
    /// The prefix of the names of all tap queues, those of other hoptrails included.
    pub const QUEUE_PREFIX: &str = "hoptrail.";
}

/// Glob patterns over names: `*` any characters, `?` one, `[a-z]` a class, `{a,b}` a choice. Dots are ordinary.
#[derive(Clone, Debug)]
pub struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl Patterns {
    /// Compiles patterns, noting wrong ones under `key`.
    pub(super) fn compile(key: &str, texts: Vec<String>, problems: &mut Problems) -> Patterns {
        let mut builder = GlobSetBuilder::new();
        for (index, text) in texts.iter().enumerate() {
            let glob = GlobBuilder::new(text).literal_separator(false).build();
            if let Some(glob) = problems.check(format!("{key}[{index}]"), glob) {
                builder.add(glob);
            }
        }
        let set = problems.check(key, builder.build()).unwrap_or_else(GlobSet::empty);
        Patterns { texts, set }
    }

    /// Some pattern matches the whole name.
    #[must_use]
    pub fn is_match(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// The patterns that are plain names: they can be bound without a list of what exists.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str).filter(|text| !text.contains(['*', '?', '[', '{', '\\']))
    }
}

/// A restart of hoptrail under load fits (100 000 messages of 2 kB), and a broker's memory is much larger.
const QUEUE_BYTES_MAX: ByteSize = ByteSize::mib(256);
/// The queues outlive a stop over a weekend, and an uninstalled hoptrail leaves nothing behind for longer.
const QUEUE_EXPIRES: Duration = Duration::from_secs(72 * 3600);
/// The broker goes on sending during a commit of 25 ms at 40 000 messages a second.
const PREFETCH: u16 = 1000;
/// The tap acts on announced changes at once; only the others wait this long.
const REFRESH: Duration = Duration::from_secs(30);
/// RabbitMQ's shortest useful bound here; below it a tap would drop under any load.
const QUEUE_BYTES_MIN: u64 = 1 << 20;

/// The tap: hoptrail subscribes to copies of messages at the broker.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTap {
    /// Whether the tap observes.
    ///
    /// Default: `true`
    enabled: Option<bool>,
    /// The exchanges to bind to, as patterns. `*` stands for any characters, `?` for one, `{a,b}` for a choice. The tap
    /// never binds to exchanges that split load.
    ///
    /// Default: `["*"]`
    exchanges: Option<Vec<String>>,
    /// Exchanges that the tap leaves alone although they match `exchanges`, as patterns.
    ///
    /// Default: `["amq.*"]`
    exclude: Option<Vec<String>>,
    /// Dead-letter exchanges that no queue argument and no policy names.
    ///
    /// Default: `[]`
    dead_letter_exchanges: Vec<String>,
    /// Whether the tap finds dead-letter exchanges in queue arguments and policies, through the management API.
    ///
    /// Default: `true`
    discover_dead_letter_exchanges: Option<bool>,
    /// Whether the tap observes every publish and every delivery through RabbitMQ's tracing. It then keeps tracing
    /// switched on.
    ///
    /// Default: `true`
    firehose: Option<bool>,
    /// Whether the tap observes the broker's own events, which name the clients. The plugin `rabbitmq_event_exchange`
    /// must be on.
    ///
    /// Default: `true`
    events: Option<bool>,
    /// The name of this hoptrail, if several observe one broker. The tap's queues are named
    /// `hoptrail.<instance>.<source>`. The name has 1 to 64 letters, digits, `-` and `_`.
    ///
    /// Default: `default`
    instance: Option<String>,
    /// The most bytes in each of the tap's queues at the broker. Beyond it the broker drops the oldest messages, and
    /// hoptrail records a gap.
    ///
    /// Range: `1MiB` to `1TiB`
    ///
    /// Default: `256MiB`
    queue_bytes_max: Option<ByteSize>,
    /// The broker removes a queue of the tap that nobody has read for this time.
    ///
    /// Range: `1m` to `24days`
    ///
    /// Default: `72h`
    #[serde(with = "humantime_serde")]
    queue_expires: Option<Duration>,
    /// The most deliveries that the broker sends to hoptrail ahead of acknowledgements, for each queue of the tap.
    ///
    /// Range: `1` to `65535`
    ///
    /// Default: `1000`
    prefetch: Option<u16>,
    /// The interval at which the tap looks for changes that the broker does not announce.
    ///
    /// Range: more than `0s`
    ///
    /// Default: `30s`
    #[serde(with = "humantime_serde")]
    refresh: Option<Duration>,
}

impl RawTap {
    pub(super) fn validate(self, problems: &mut Problems) -> Tap {
        let tap = Tap {
            enabled: self.enabled.unwrap_or(true),
            exchanges: Patterns::compile("tap.exchanges", self.exchanges.unwrap_or_else(|| vec!["*".into()]), problems),
            exclude: Patterns::compile("tap.exclude", self.exclude.unwrap_or_else(|| vec!["amq.*".into()]), problems),
            dead_letter_exchanges: self.dead_letter_exchanges,
            discover_dead_letter_exchanges: self.discover_dead_letter_exchanges.unwrap_or(true),
            firehose: self.firehose.unwrap_or(true),
            events: self.events.unwrap_or(true),
            instance: self.instance.unwrap_or_else(|| "default".into()),
            queue_bytes_max: self.queue_bytes_max.unwrap_or(QUEUE_BYTES_MAX).as_u64(),
            queue_expires: self.queue_expires.unwrap_or(QUEUE_EXPIRES),
            prefetch: self.prefetch.unwrap_or(PREFETCH),
            refresh: self.refresh.unwrap_or(REFRESH),
        };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if tap.instance.is_empty() || tap.instance.len() > 64 || !tap.instance.chars().all(word) {
            problems.add("tap.instance", "is a name of 1 to 64 letters, digits, - and _");
        }
        problems.check_range("tap.prefetch", &tap.prefetch, 1..=u16::MAX);
        problems.check_range("tap.queue_bytes_max", &tap.queue_bytes_max, QUEUE_BYTES_MIN..=1 << 40);
        // RabbitMQ takes x-expires in milliseconds, as a signed 32-bit number.
        if tap.queue_expires < Duration::from_secs(60) || tap.queue_expires > Duration::from_secs(24 * 86_400) {
            problems.add("tap.queue_expires", "is between 1m and 24days");
        }
        problems.check_positive("tap.refresh", tap.refresh);
        tap
    }
}
