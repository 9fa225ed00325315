//! The settings stand in three places: `src/config`, `config.toml` and the README. They are the same, and so are the
//! defaults that the README gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use hoptrail::config;

/// The raw form of each section, by its file and its name.
const SECTIONS: [(&str, &str, &str); 14] = [
    ("broker", "broker.rs", "RawBroker"),
    ("tap", "tap.rs", "RawTap"),
    ("proxy", "proxy.rs", "RawProxy"),
    ("record", "journal.rs", "RawRecord"),
    ("journal", "journal.rs", "RawJournal"),
    ("journal.retention", "retention.rs", "RawRetention"),
    ("journal.retention.rule", "retention.rs", "RawRule"),
    ("correlate", "correlate.rs", "RawCorrelate"),
    ("redact", "redact.rs", "RawRedact"),
    ("flow", "flow.rs", "RawFlow"),
    ("alert", "alert.rs", "RawAlert"),
    (SPIKES, "alert.rs", "RawSpike"),
    ("serve", "serve.rs", "RawServe"),
    ("log", "serve.rs", "RawLog"),
];
/// A list of tables, and so a section of its own.
const SPIKES: &str = "alert.dead_letter_spikes";

#[test]
fn the_readme_lists_every_setting_of_the_example() {
    assert_eq!(in_readme().into_keys().collect::<BTreeSet<_>>(), in_example());
}

#[test]
fn the_example_has_every_setting_that_is_read() {
    assert_eq!(in_example(), in_code());
}

#[test]
fn the_defaults_of_the_readme_are_the_defaults() {
    let load = |settings: config::Overrides| config::load(None, [], &settings);
    let defaults = format!("{:?}", load(Vec::new()).expect("defaults"));
    let mut checked = 0;
    for (key, default) in in_readme() {
        let text = default.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        // Other defaults are explained, not given.
        let Some(text) = text.filter(|text| !text.contains('`')) else { continue };
        let setting = match key.strip_prefix(SPIKES) {
            Some(name) => {
                let value = if text.starts_with(['[', '1']) { text.to_owned() } else { format!("{text:?}") };
                (SPIKES.to_owned(), format!("[{{ {} = {value} }}]", &name[1..]))
            }
            None => (key.clone(), text.to_owned()),
        };
        let loaded = load(vec![setting]).unwrap_or_else(|error| panic!("{key} = {text}: {error}"));
        // Not assert_eq: the debug form of all settings fills a screen.
        assert!(format!("{loaded:?}") == defaults, "the README says that {key} is {text} by default, and it is not");
        checked += 1;
    }
    assert!(checked > 40, "{checked} defaults were found in the README");
    let other = load(vec![("tap.prefetch".into(), "999".into())]).expect("a setting");
    assert_ne!(format!("{other:?}"), defaults, "a wrong default would be noticed");
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The README's table: keys with their defaults.
fn in_readme() -> BTreeMap<String, String> {
    let text = read("README.md");
    let (_, settings) = text.split_once("\n## Settings\n").expect("a section for settings");
    let table = settings.lines().take_while(|line| !line.starts_with("## "));
    let row = |line: &str| {
        let mut cells = line.split(" | ");
        let key = cells.next()?.strip_prefix("| `")?.strip_suffix('`')?;
        Some((key.to_owned(), cells.next()?.to_owned()))
    };
    table.filter_map(row).collect()
}

/// The settings of `config.toml`, those included that are commented out.
fn in_example() -> BTreeSet<String> {
    let text = read("config.toml");
    let (mut section, mut keys) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        // A list of tables whose entries have no defaults is commented out together with its head.
        let line = line.trim_start_matches("# ");
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, _)) = line.split_once(" = ")
            && is_key(key)
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

/// The fields of the raw forms.
fn in_code() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (section, file, name) in SECTIONS {
        let text = read(&format!("src/config/{file}"));
        let (_, after) = text.split_once(&format!("struct {name} {{\n")).unwrap_or_else(|| panic!("no {name}"));
        let (fields, _) = after.split_once("\n}").expect("an end");
        let names = fields.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
        keys.extend(names.filter(|name| is_key(name)).map(|name| format!("{section}.{name}")));
    }
    // Sections of their own.
    let nested: Vec<&str> =
        SECTIONS.map(|(section, ..)| section).into_iter().filter(|name| name.contains('.')).collect();
    assert!(nested.iter().all(|section| keys.remove(*section)), "{nested:?} are fields of other sections");
    keys
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
