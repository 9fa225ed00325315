//! From files, environment and flags to a checked configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::alert::RawAlert;
use super::broker::RawBroker;
use super::correlate::RawCorrelate;
use super::flow::RawFlow;
use super::journal::{RawJournal, RawRecord};
use super::proxy::RawProxy;
use super::redact::RawRedact;
use super::serve::{RawLog, RawServe};
use super::tap::RawTap;
use super::{Alert, Broker, Correlate, Flow, Journal, Log, Problems, Proxy, Record, Redact, Serve, Tap};

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[broker]`
    pub broker: Broker,
    /// `[tap]`
    pub tap: Tap,
    /// `[proxy]`
    pub proxy: Proxy,
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

/// Settings that override the file: pairs of key path (`serve.listen`) and text.
pub type Overrides = Vec<(String, String)>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    broker: RawBroker,
    tap: RawTap,
    proxy: RawProxy,
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
    let overrides: Overrides = variables.chain(flags.iter().cloned()).collect();
    for (path, text) in &overrides {
        set(&mut table, path, toml_value(text), &mut problems);
    }
    let raw = parse(table, &overrides, &mut problems);
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

/// A text as a TOML value, or as a string if it is no TOML value.
fn toml_value(text: &str) -> Value {
    let wrapped: Result<Table, _> = format!("value = {text}").parse();
    let value = wrapped.ok().and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Puts a value where a key path says.
fn set(table: &mut Table, path: &str, value: Value, problems: &mut Problems) {
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
    section.insert(last.to_owned(), value);
}

/// The raw form; keys that are unknown or of the wrong type are noted, removed, and the rest tried again. An override
/// that reads as a number or the like where the setting is a text (a password of digits) is taken as text.
fn parse(mut table: Table, overrides: &Overrides, problems: &mut Problems) -> Raw {
    let mut as_text = BTreeSet::new();
    for _ in 0..PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
            Ok(raw) => return raw,
            Err(error) => error,
        };
        let path: Vec<_> = error.path().iter().cloned().collect();
        let key = error.path().to_string();
        let text = overrides.iter().rev().find(|(path, _)| *path == key).map(|(_, text)| text.clone());
        if let Some(text) = text.filter(|_| as_text.insert(key.clone())) {
            set(&mut table, &key, Value::String(text), problems);
            continue;
        }
        // The lines after the first repeat the path.
        let text = error.inner().to_string();
        problems.add(if key == "." { String::new() } else { key }, text.lines().next().unwrap_or_default());
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
        let proxy = self.proxy.validate(broker.as_ref(), problems);
        let record = self.record.validate(problems);
        let journal = self.journal.validate(problems);
        let correlate = self.correlate.validate(problems);
        let redact = self.redact.validate(problems);
        let flow = self.flow.validate(problems);
        let alert = self.alert.validate(problems);
        let serve = self.serve.validate(problems);
        let log = self.log.validate(problems);
        Some(Config {
            broker: broker?,
            tap,
            proxy: proxy?,
            record,
            journal,
            correlate,
            redact,
            flow,
            alert,
            serve,
            log,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let pairs = |pairs: &[(&str, &str)]| -> Overrides {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        load(Some(file.path()), pairs(environment), &pairs(flags))
    }

    /// Every key that has a problem, with a part of what is said of it.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let Err(ConfigError::Invalid(problems)) = load_text(text, &[], &[]) else { panic!("accepted: {text}") };
        let found: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        let keys: Vec<_> = expected.iter().map(|(key, _)| *key).collect();
        assert_eq!(found, keys, "{problems}");
        assert_eq!(problems.to_string().lines().count(), 1 + keys.len(), "a line each: {problems}");
        for (problem, (_, part)) in problems.iter().zip(expected) {
            assert!(problem.text.contains(part), "{problem} does not say {part:?}");
        }
    }

    #[test]
    fn nothing_configured_is_a_valid_configuration() {
        let config = load(None, [], &vec![]).expect("defaults");
        assert_eq!(config.serve.listen.to_string(), "127.0.0.1:8673");
        assert_eq!(config.broker.vhosts, ["/"]);
        assert_eq!((config.alert.dead_letter_spikes.len(), config.redact.detect.len()), (1, 3));
    }

    #[test]
    fn a_wrong_rule_is_named_by_its_key() {
        check(
            "[correlate]\norder_id = [{ header = 'a' }, { body = '$.[' }]",
            &[("correlate.order_id[1].body", "JSON path")],
        );
        check(
            "[correlate]\nstatus = [{ property = 'type', pattern = '(' }]",
            &[("correlate.status[0].pattern", "regular expression")],
        );
        check("[correlate]\nservice = [{ queue = '[' }]", &[("correlate.service[0].queue", "regular expression")]);
        check(
            "[correlate]\nservice = [{ queue = 'a', pattern = 'b' }]",
            &[("correlate.service[0].pattern", "goes with")],
        );
        check("[correlate]\ncustomer_id = [{ value = 'x' }]", &[("correlate.customer_id[0]", "names 0")]);
        check("[correlate]\ncustomer_id = [{ user = 'x', queue = 'y' }]", &[("correlate.customer_id[0]", "names 2")]);
        check("[redact]\nbody = ['$.a', 'b c']", &[("redact.body[1]", "\"b c\"")]);
        check("[redact]\nbody = ['$.a[?(@.b == $.c)]']", &[("redact.body[0]", "refers to $")]);
    }

    #[test]
    fn unknown_names_and_wrong_types_are_all_told_at_once() {
        check(
            "typo = 1\n[serve]\nlisten = 'nowhere'\nlistn = 'x'\n[correlate]\norder_id = [{ header = 'a', kinds = ['publsh'] }]\n\
             [redact]\ndetect = ['mail']\n[journal]\ndir = 7\n[tap]\nprefetch = 0",
            &[
                ("correlate.order_id[0].kinds[0]", "publsh"),
                ("journal.dir", "string"),
                ("redact.detect[0]", "mail"),
                ("serve.listen", "socket address"),
                ("serve.listn", "unknown field"),
                ("typo", "unknown field"),
                ("tap.prefetch", "not between"),
            ],
        );
    }

    #[test]
    fn values_out_of_bounds_are_told_with_their_keys() {
        check(
            "[record]\nqueue_len_max = 1\nbody_bytes_max = '17 MiB'\n[flow]\nundelivered_after = '0s'\norders_max = 1\n\
             statuses = [{ status = 'A' }, { status = 'A', stalled_after = '0s' }]\n[alert]\nwebhook_timeout = '0s'\n\
             dead_letter_spikes = [{ threshold = 0, window = '0s', reasons = ['lost'] }, { name = 'b' }, { name = 'b' }]",
            &[
                ("record.queue_len_max", "1"),
                ("record.body_bytes_max", "17825792"),
                ("flow.statuses[1].status", "twice"),
                ("flow.statuses[1].stalled_after", "longer"),
                ("flow.undelivered_after", "longer"),
                ("flow.orders_max", "not between"),
                ("alert.dead_letter_spikes[0].reasons[0]", "lost"),
                ("alert.dead_letter_spikes[0].threshold", "not between"),
                ("alert.dead_letter_spikes[0].window", "longer"),
                ("alert.dead_letter_spikes[2].name", "two rules"),
                ("alert.webhook_timeout", "longer"),
            ],
        );
    }

    #[test]
    fn flags_stand_above_the_environment_and_that_above_the_file() {
        let file = "[serve]\nlisten = '127.0.0.1:1'\nconnections_max = 1\n[journal]\ndir = 'file'";
        let environment = [
            ("HOPTRAIL__SERVE__LISTEN", "127.0.0.1:2"),
            ("HOPTRAIL__SERVE__CONNECTIONS_MAX", "2"),
            ("HOPTRAIL__BROKER__VHOSTS", "['a', 'b']"),
            ("HOPTRAIL__FLOW__UNDELIVERED_AFTER", "5m"),
            ("HOME", "/nowhere"),
        ];
        let config = load_text(file, &environment, &[("serve.listen", "127.0.0.1:3")]).expect("valid");
        assert_eq!(config.serve.listen.port(), 3);
        assert_eq!(config.serve.connections_max, 2);
        assert_eq!(config.journal.dir, Path::new("file"));
        assert_eq!(config.broker.vhosts, ["a", "b"]);
        assert_eq!(config.flow.undelivered_after.as_secs(), 300);
    }

    #[test]
    fn a_text_that_reads_as_a_number_is_still_a_text() {
        let environment = [
            ("HOPTRAIL__BROKER__MANAGEMENT_PASSWORD", "1234"),
            ("HOPTRAIL__BROKER__MANAGEMENT_URL", "http://localhost:15672"),
            ("HOPTRAIL__TAP__INSTANCE", "true"),
        ];
        let config = load_text("", &environment, &[]).expect("valid");
        assert_eq!(config.broker.management.expect("set").password.reveal(), "1234");
        assert_eq!(config.tap.instance, "true");
    }

    #[test]
    fn a_wrong_override_is_told_like_a_wrong_setting() {
        let environment = [("HOPTRAIL__SERVE__CONNECTIONS_MAX", "many"), ("HOPTRAIL__SERV__X", "1")];
        let Err(ConfigError::Invalid(problems)) = load_text("", &environment, &[]) else { panic!("accepted") };
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["serv", "serve.connections_max"]);
    }

    #[test]
    fn secrets_are_never_printed() {
        let text = "[broker]\nurl = 'amqp://u:s3cret@h'\nmanagement_url = 'http://h'\n[alert]\nwebhook_url = 'http://h/s3cret'";
        let config = load_text(text, &[], &[]).expect("valid");
        assert!(!format!("{config:?}").contains("s3cret"));
        for wrong in [
            "[broker]\nurl = 'amqp:/u:s3cret@h'",
            "[broker]\nurl = 'amqp://u:s3cret@h:port'",
            "[broker]\nmanagement_password = 53237",
            "[broker]\nmanagement_password = ['s3cret']",
            "[alert]\nwebhook_url = 'ftp://h/s3cret'",
        ] {
            let error = load_text(wrong, &[], &[]).err().unwrap_or_else(|| panic!("accepted: {wrong}")).to_string();
            assert!(!error.contains("s3cret") && !error.contains("53237"), "{error}");
        }
        let environment = [("HOPTRAIL__BROKER__URL", "s3cret")];
        let error = load_text("", &environment, &[]).expect_err("wrong").to_string();
        assert!(error.contains("broker.url") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_secret_comes_from_one_place() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "amqp://u:p@h\r\n").expect("written");
        let path = file.path().display().to_string();
        let config = load_text("", &[], &[("broker.url_file", &path)]).expect("valid");
        assert_eq!(config.broker.url.reveal(), "amqp://u:p@h");
        let twice = format!("[broker]\nurl = 'amqp://u:p@h'\nurl_file = '{path}'");
        check(&twice, &[("broker.url", "twice")]);
        check("[broker]\nurl_file = '/nowhere/secret'", &[("broker.url_file", "/nowhere/secret")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_not_toml_is_named() {
        let missing = load(Some(Path::new("/nowhere/config.toml")), [], &vec![]).expect_err("missing");
        assert!(matches!(missing, ConfigError::Read { .. }) && missing.to_string().contains("/nowhere/config.toml"));
        let wrong = load_text("[serve", &[], &[]).expect_err("no TOML");
        assert!(matches!(wrong, ConfigError::Syntax { .. }), "{wrong}");
    }
}
