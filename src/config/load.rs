//! From files, environment and flags to a checked configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::alert::RawAlert;
use super::broker::RawBroker;
use super::correlate::RawCorrelate;
use super::flow::RawFlow;
use super::journal::{RawJournal, RawRecord};
use super::redact::RawRedact;
use super::serve::{RawLog, RawServe};
use super::tap::RawTap;
use super::{Alert, Broker, Correlate, Flow, Journal, Log, Problems, Record, Redact, Serve, Tap};

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[broker]`
    pub broker: Broker,
    /// `[tap]`
    pub tap: Tap,
    /// `[record]`
    pub record: Record,
    /// `[journal]`
    pub journal: Journal,
    /// `[correlate]`
    pub correlate: Correlate,
    /// `[redact]`
    pub redact: Redact,
    /// `[flow]`
    pub flow: Flow,
    /// `[alert]`
    pub alert: Alert,
    /// `[serve]`
    pub serve: Serve,
    /// `[log]`
    pub log: Log,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration {} is not valid TOML: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Settings are wrong.
    #[error("{0}")]
    Invalid(Problems),
}

/// What stands above the file: pairs of key path (`serve.listen`) and text.
pub type Overrides = Vec<(String, String)>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    broker: RawBroker,
    tap: RawTap,
    record: RawRecord,
    journal: RawJournal,
    correlate: RawCorrelate,
    redact: RawRedact,
    flow: RawFlow,
    alert: RawAlert,
    serve: RawServe,
    log: RawLog,
}

/// The environment's settings: `HOPTRAIL__SERVE__LISTEN=…` sets `serve.listen`.
const ENVIRONMENT_PREFIX: &str = "HOPTRAIL__";
/// Each round removes one wrong key, so that the next may be found; a file with more is not a configuration.
const PROBLEMS_MAX: usize = 100;

/// Reads the file (none: defaults only), the environment's settings among `environment`, then `flags`.
///
/// # Errors
/// [`ConfigError`]; wrong settings are all reported at once.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &Overrides,
) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let mut problems = Problems::default();
    let variables = environment.into_iter().filter_map(|(name, text)| {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX)?.to_lowercase().replace("__", ".");
        Some((path, text))
    });
    for (path, text) in variables.chain(flags.iter().cloned()) {
        set(&mut table, &path, &text, &mut problems);
    }
    let raw = parse(table, &mut problems);
    let config = raw.validate(&mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError::Invalid(problems)),
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    text.parse().map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// Puts a text where a key path says: as the TOML value it reads as, where the setting can be one, else as text.
fn set(table: &mut Table, path: &str, text: &str, problems: &mut Problems) {
    let mut keys: Vec<&str> = path.split('.').collect();
    let Some(last) = keys.pop() else { return };
    let mut section = table;
    for key in keys {
        let entry = section.entry(key).or_insert_with(|| Value::Table(Table::new()));
        match entry {
            Value::Table(inner) => section = inner,
            _ => return problems.add(path, "cannot be set: its parent is not a section"),
        }
    }
    let wrapped: Result<Table, _> = format!("value = {text}").parse();
    let value = wrapped.ok().and_then(|mut table| table.remove("value"));
    section.insert(last.to_owned(), value.unwrap_or_else(|| Value::String(text.to_owned())));
}

/// The raw form; keys that are unknown or of the wrong type are noted, removed, and the rest tried again.
fn parse(mut table: Table, problems: &mut Problems) -> Raw {
    for _ in 0..PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
            Ok(raw) => return raw,
            Err(error) => error,
        };
        let path: Vec<_> = error.path().iter().cloned().collect();
        let key = error.path().to_string();
        problems.add(if key == "." { String::new() } else { key }, error.inner().to_string().trim_end());
        if !remove(&mut table, &path) {
            break;
        }
    }
    Raw::default()
}

fn remove(table: &mut Table, path: &[serde_path_to_error::Segment]) -> bool {
    use serde_path_to_error::Segment;
    let mut path = path.iter();
    let Some(Segment::Map { key }) = path.next() else { return false };
    if path.len() == 0 {
        return table.remove(key).is_some();
    }
    let Some(mut value) = table.get_mut(key) else { return false };
    while let Some(segment) = path.next() {
        let last = path.len() == 0;
        value = match (segment, value) {
            (Segment::Map { key }, Value::Table(inner)) if last => return inner.remove(key).is_some(),
            (Segment::Seq { index }, Value::Array(items)) if last && *index < items.len() => {
                items.remove(*index);
                return true;
            }
            (Segment::Map { key }, Value::Table(inner)) => match inner.get_mut(key) {
                Some(inner) => inner,
                None => return false,
            },
            (Segment::Seq { index }, Value::Array(items)) => match items.get_mut(*index) {
                Some(item) => item,
                None => return false,
            },
            _ => return false,
        };
    }
    false
}

impl Raw {
    fn validate(self, problems: &mut Problems) -> Option<Config> {
        let broker = self.broker.validate(problems);
        let tap = self.tap.validate(problems);
        let record = self.record.validate(problems);
        let journal = self.journal.validate(problems);
        let correlate = self.correlate.validate(problems);
        let redact = self.redact.validate(problems);
        let flow = self.flow.validate(problems);
        let alert = self.alert.validate(problems);
        let serve = self.serve.validate(problems);
        let log = self.log.validate(problems);
        Some(Config { broker: broker?, tap, record, journal, correlate, redact, flow, alert, serve, log })
    }
}
