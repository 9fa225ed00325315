//! `docs/settings.md` and `config.toml` say what `src/config` declares, and the defaults, ranges and values declared
//! there are the true ones. With `HOPTRAIL_WRITE_DOCS=1` both are written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs};

use hoptrail::config;

use super::raw::{Declared, Setting, declared};
use super::{path, read};

const PAGE: &str = "docs/settings.md";
const EXAMPLE: &str = "config.toml";
/// Above it the page is written by hand.
const MARK: &str = "<!-- Written from the doc comments in src/config; CONTRIBUTING.md says how. -->\n";
/// The width of comments in the example, without their signs.
const WIDTH: usize = 118;

#[test]
fn the_page_is_written_from_the_doc_comments() {
    let text = read(PAGE);
    let (head, _) = text.split_once(MARK).expect("the mark");
    let mut page = format!("{head}{MARK}");
    declared().iter().for_each(|section| table(&mut page, section));
    same_or_write(PAGE, &text, &page);
}

#[test]
fn the_example_has_every_setting_with_its_meaning() {
    let text = read(EXAMPLE);
    let sections = declared();
    same_or_write(EXAMPLE, &text, &with_comments(&text, &sections));
    let spelled_out = sections.iter().filter(|declared| declared.section.is_spelled_out());
    let keys: BTreeSet<String> = spelled_out.flat_map(|declared| &declared.settings).map(|s| s.key.clone()).collect();
    assert_eq!(values(&text).into_keys().collect::<BTreeSet<_>>(), keys);
}

#[test]
fn the_example_shows_the_defaults() {
    let (shown, mut checked) = (values(&read(EXAMPLE)), 0);
    for setting in declared().iter().flat_map(|declared| &declared.settings) {
        let Some((Commented(true), shown)) = shown.get(&setting.key) else { continue };
        let Some(default) = setting.default_value().filter(|default| *default != "[]") else { continue };
        assert_eq!(shown.trim_matches('"'), default, "{EXAMPLE} shows another default of {}", setting.key);
        checked += 1;
    }
    assert!(checked > 35, "{checked} defaults were compared");
}

#[test]
fn defaults_ranges_and_values_are_those_of_the_code() {
    let defaults = format!("{:?}", load("journal.dir", "journal").expect("defaults"));
    let mut checked = (0, 0, 0);
    for setting in declared().iter().flat_map(|declared| &declared.settings) {
        let key = &setting.key;
        if let Some(value) = setting.default_value() {
            let loaded = load(key, value).unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
            // Not assert_eq: the debug form of all settings fills a screen.
            assert!(format!("{loaded:?}") == defaults, "{key} is said to be {value} by default, and it is not");
            checked.0 += 1;
        }
        if let Some(range) = &setting.range {
            check_range(key, range);
            checked.1 += 1;
        }
        for value in setting.values.iter().flat_map(|values| quotes(values)).filter(|_| key.contains('.')) {
            let text = if setting.type_.starts_with("list") { format!("[\"{value}\"]") } else { value.to_owned() };
            // It may want another setting beside it.
            let refused = load(key, &text).err().filter(|error| error.to_string().contains("unknown variant"));
            assert!(refused.is_none(), "{key} = {value}: {refused:?}");
            checked.2 += 1;
        }
    }
    assert!(checked.0 > 40 && checked.1 > 25 && checked.2 > 15, "too little was found to check: {checked:?}");
    assert_ne!(format!("{:?}", load("tap.prefetch", "999").expect("a setting")), defaults, "another value is noticed");
}

/// `A to B`: both are taken, and integers beside them are not; `more than A`: that is refused.
fn check_range(key: &str, range: &str) {
    let ends: Vec<&str> = quotes(range).collect();
    match ends[..] {
        [above] if range.starts_with("more than ") => {
            assert!(load(key, above).is_err(), "{key} = {above} is said to be too short, and is taken");
        }
        [first, last] if range == format!("`{first}` to `{last}`") => {
            for end in [first, last] {
                load(key, end).unwrap_or_else(|error| panic!("{key} = {end} is said to be within the range: {error}"));
            }
            let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) else { return };
            for beyond in [first - 1, last + 1] {
                assert!(load(key, &beyond.to_string()).is_err(), "{key} = {beyond} is said to be out of range");
            }
        }
        _ => panic!("{key}: the range {range:?} is neither \"`A` to `B`\" nor \"more than `A`\""),
    }
}

/// The configuration with one setting; one of a list of tables makes a list of one.
fn load(key: &str, value: &str) -> Result<config::Config, config::ConfigError> {
    const SPIKES: &str = "alert.dead_letter_spikes";
    let setting = match key.strip_prefix(SPIKES) {
        Some(name) => {
            let value = if value.starts_with('[') || value.parse::<i64>().is_ok() {
                value.to_owned()
            } else {
                format!("{value:?}")
            };
            (SPIKES.to_owned(), format!("[{{ {} = {value} }}]", &name[1..]))
        }
        None => (key.to_owned(), value.to_owned()),
    };
    config::load(None, [], &vec![setting])
}

fn quotes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

pub fn same_or_write(name: &str, found: &str, made: &str) {
    if found == made {
        return;
    }
    if env::var_os("HOPTRAIL_WRITE_DOCS").is_some() {
        return fs::write(path(name), made).expect("written");
    }
    let differs = found.lines().zip(made.lines()).find(|(found, made)| found != made);
    panic!(
        "{name} differs from its source; write it by HOPTRAIL_WRITE_DOCS=1 and look at the difference: {differs:#?}"
    );
}

fn table(page: &mut String, Declared { section, meaning, settings }: &Declared) {
    let title = match (section.name.contains(' '), section.is_list()) {
        (true, _) => section.name.to_owned(),
        (false, true) => format!("`[[{}]]`", section.name),
        (false, false) if section.is_spelled_out() => format!("`[{}]`", section.name),
        (false, false) => format!("An entry of `{}`", section.name),
    };
    write!(page, "\n## {title}\n\n").expect("writes");
    wrap(meaning, WIDTH + 2).iter().for_each(|line| page.extend([line, "\n"]));
    page.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
    for Setting { key, type_, meaning, range, values, default, reason } in settings {
        let beside = [("Range", range), ("Values", values), ("Reason", reason)];
        let beside = beside.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?.trim_end_matches('.'))));
        let beside: String = beside.map(|(name, text)| format!(" {name}: {text}.")).collect();
        writeln!(page, "| `{key}` | {type_} | {default} | {meaning}{beside} |").expect("writes");
    }
}

/// Stands behind `# `: the key shows a default, or an example.
#[derive(Debug, PartialEq)]
struct Commented(bool);

/// The keys of the example with the first lines of their values.
fn values(text: &str) -> BTreeMap<String, (Commented, String)> {
    let (mut section, mut values) = (String::new(), BTreeMap::new());
    for line in text.lines() {
        match head(line) {
            Some(name) => section = name.to_owned(),
            None => values.extend(value(line).map(|(name, commented, value)| {
                (format!("{section}.{name}"), (Commented(commented), value.to_owned()))
            })),
        }
    }
    values
}

/// The example with the comments above its keys and sections written anew.
fn with_comments(text: &str, sections: &[Declared]) -> String {
    let mut meanings: BTreeMap<String, &str> = BTreeMap::new();
    for declared in sections {
        if declared.section.is_spelled_out() {
            meanings.insert(declared.section.name.to_owned(), &declared.meaning);
        }
        meanings.extend(declared.settings.iter().map(|setting| (setting.key.clone(), &*setting.meaning)));
    }
    let (mut lines, mut section): (Vec<String>, String) = (Vec::new(), String::new());
    for line in text.lines() {
        let key = match head(line) {
            Some(name) => {
                section = name.to_owned();
                Some(section.clone())
            }
            None => value(line).map(|(name, ..)| format!("{section}.{name}")),
        };
        if let Some(meaning) = key.and_then(|key| meanings.get(&key)) {
            let is_prose = |line: &mut String| line.starts_with("# ") && head(line).is_none() && value(line).is_none();
            while lines.pop_if(is_prose).is_some() {}
            lines.extend(wrap(&plain(meaning), WIDTH).iter().map(|line| format!("# {line}")));
        }
        lines.push(line.to_owned());
    }
    lines.join("\n") + "\n"
}

/// `[name]` and `[[name]]`, commented out as well.
fn head(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(name.trim_matches(['[', ']']))
}

/// `name = value`, commented out as well.
fn value(line: &str) -> Option<(&str, bool, &str)> {
    let bare = line.strip_prefix("# ");
    let (name, value) = bare.unwrap_or(line).split_once(" = ")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_name.then_some((name, bare.is_some(), value))
}

/// Without the signs of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= width) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[test]
fn a_planted_difference_is_found() {
    let sections = declared();
    let text = "# Old words.\n[broker]\n# Old words.\n# url = \"amqp://\"\n";
    let made = with_comments(text, &sections);
    assert!(made.starts_with("# The broker that hoptrail observes") && !made.contains("Old words"), "{made}");
    assert_eq!(with_comments(&made, &sections), made, "written once, it stays");
}
