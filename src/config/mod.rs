//! Configuration: defaults < `config.toml` < `HOPTRAIL__SECTION__KEY` < flags, checked as a whole.
//!
//! Owns the raw serde form, the validated [`Config`] with its rules compiled, and the list of all problems, each with
//! its key path. The doc comments of the raw forms are the source of `docs/settings.md`. Does not know the use of the
//! settings, and reaches no broker and no network.

mod alert;
mod broker;
mod correlate;
mod flow;
mod journal;
mod json_path;
mod load;
mod problem;
mod proxy;
mod redact;
mod retention;
mod secret;
mod serve;
mod tap;

pub use alert::{Alert, SpikeRule, Webhook};
pub use broker::{Backoff, Broker, Management};
pub use correlate::{Correlate, Place, Property, Rule};
pub use flow::{Flow, StatusDeadline};
pub use journal::{Journal, OnFull, Record};
pub use json_path::{JsonPath, NotAJsonPath, Progress};
pub use load::{Config, ConfigError, Overrides, load};
pub use problem::{Problem, Problems};
pub use proxy::{BrokerTls, ClientAuth, ClientTls, HostPort, Proxy};
pub use redact::{Detector, ExemptId, Redact};
pub use retention::{Retention, RetentionRule};
pub use secret::Secret;
pub use serve::{Log, LogFormat, Serve};
pub use tap::{Patterns, Tap};
