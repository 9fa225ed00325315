//! The settings as `src/config` declares them: the doc comments of the raw forms, read as text.

use super::read;

/// A raw form: the section it reads, its file and its name.
pub struct Section {
    /// As in `[name]`, or a title where no section has the name.
    pub name: &'static str,
    /// Stands before the names of its fields.
    prefix: &'static str,
    file: &'static str,
    form: &'static str,
}

const fn section(name: &'static str, file: &'static str, form: &'static str) -> Section {
    Section { name, prefix: name, file, form }
}

/// In the order of `config.toml`.
pub const SECTIONS: [Section; 16] = [
    section("broker", "broker.rs", "RawBroker"),
    section("tap", "tap.rs", "RawTap"),
    section("proxy", "proxy.rs", "RawProxy"),
    section("record", "journal.rs", "RawRecord"),
    section("journal", "journal.rs", "RawJournal"),
    section("journal.retention", "retention.rs", "RawRetention"),
    section("journal.retention.rule", "retention.rs", "RawRule"),
    section("correlate", "correlate.rs", "RawCorrelate"),
    Section { name: RULE, prefix: "", file: "correlate.rs", form: "RawRule" },
    section("redact", "redact.rs", "RawRedact"),
    section("flow", "flow.rs", "RawFlow"),
    section("flow.statuses", "flow.rs", "RawStatus"),
    section("alert", "alert.rs", "RawAlert"),
    section("alert.dead_letter_spikes", "alert.rs", "RawSpike"),
    section("serve", "serve.rs", "RawServe"),
    section("log", "serve.rs", "RawLog"),
];
/// The same for each of the four lists of `[correlate]`.
const RULE: &str = "A rule of `[correlate]`";
/// Raw forms that stand in one line, within a list of another section.
const INLINE: [&str; 2] = [RULE, "flow.statuses"];
/// Raw forms of which a section has a list.
const LISTS: [&str; 2] = ["journal.retention.rule", "alert.dead_letter_spikes"];

impl Section {
    /// Its keys stand on lines of their own in `config.toml`.
    pub fn is_spelled_out(&self) -> bool {
        !INLINE.contains(&self.name)
    }

    /// There may be several of it, each under a head of its own.
    pub fn is_list(&self) -> bool {
        LISTS.contains(&self.name)
    }
}

/// One setting, as its doc comments declare it.
pub struct Setting {
    pub key: String,
    /// In the words of `docs/settings.md`.
    pub type_: String,
    pub meaning: String,
    pub range: Option<String>,
    pub values: Option<String>,
    pub default: String,
    /// Why the default is as it is.
    pub reason: Option<String>,
}

impl Setting {
    /// The default, where it is a value and not an explanation.
    pub fn default_value(&self) -> Option<&str> {
        let value = self.default.strip_prefix('`')?.strip_suffix('`')?;
        (!value.contains('`')).then_some(value)
    }
}

/// A raw form with its fields.
pub struct Declared {
    pub section: &'static Section,
    /// What the section is for.
    pub meaning: String,
    pub settings: Vec<Setting>,
}

/// Every section with its settings. Panics where a doc comment is missing.
pub fn declared() -> Vec<Declared> {
    SECTIONS.iter().map(declare).collect()
}

fn declare(section: &'static Section) -> Declared {
    let text = read(&format!("src/config/{}", section.file));
    let head = format!("struct {} {{\n", section.form);
    let (before, after) = text.split_once(&head).unwrap_or_else(|| panic!("no {}", section.form));
    let (fields, _) = after.split_once("\n}").expect("an end");
    let mut settings = Vec::new();
    let mut docs = Vec::new();
    for line in fields.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
        } else if let Some((name, type_)) = line.strip_suffix(',').and_then(|field| field.split_once(": ")) {
            let key = if section.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", section.prefix) };
            // A section of its own is no setting; statuses are one as well.
            if !SECTIONS.iter().any(|other| other.name == key && other.is_spelled_out()) {
                settings.push(setting(key, type_, &paragraphs(&docs), reason(&text, name)));
            }
            docs.clear();
        }
    }
    assert!(!settings.is_empty(), "{} has no fields", section.form);
    let meaning = paragraphs(&docs_above(before)).first().cloned();
    let meaning = meaning.unwrap_or_else(|| panic!("{} has no doc comment", section.form));
    Declared { section, meaning, settings }
}

fn setting(key: String, type_: &str, paragraphs: &[String], reason: Option<String>) -> Setting {
    let named = |name: &str| paragraphs.iter().find_map(|text| text.strip_prefix(name)).map(str::to_owned);
    let meaning = paragraphs.first().cloned().unwrap_or_else(|| panic!("{key} has no doc comment"));
    let default =
        named("Default: ").unwrap_or_else(|| panic!("the doc comment of {key} has no paragraph `Default: …`"));
    let (range, values) = (named("Range: "), named("Values: "));
    let known = 2 + usize::from(range.is_some()) + usize::from(values.is_some());
    assert!(paragraphs.len() == known, "the doc comment of {key} has a paragraph of another kind");
    Setting { type_: words(&key, type_), key, meaning, range, values, default, reason }
}

/// Lines of a doc comment as paragraphs.
fn paragraphs(lines: &[&str]) -> Vec<String> {
    lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).filter(|text| !text.is_empty()).collect()
}

/// The doc comment that ends `before`, attributes between them left out.
fn docs_above(before: &str) -> Vec<&str> {
    let above = before.lines().rev().skip_while(|line| !line.starts_with("///"));
    let mut docs: Vec<&str> = above.map_while(|line| line.strip_prefix("///")).map(str::trim).collect();
    docs.reverse();
    docs
}

/// The doc comment of the constant that has the field's name.
fn reason(text: &str, field: &str) -> Option<String> {
    let (before, _) = text.split_once(&format!("\nconst {}: ", field.to_uppercase()))?;
    let documented = before.lines().next_back().is_some_and(|line| line.starts_with("///"));
    documented.then(|| docs_above(before).join(" "))
}

/// A type of Rust as people write its values.
fn words(key: &str, type_: &str) -> String {
    let inner = type_.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')).unwrap_or(type_);
    if let Some(item) = inner.strip_prefix("Vec<").and_then(|item| item.strip_suffix('>')) {
        let item = words(key, item);
        return format!("list of {item}{}", if item.ends_with('s') { "es" } else { "s" });
    }
    let word = match inner {
        "String" | "Str" | "Secret" => "text",
        "bool" => "boolean",
        "usize" | "u64" | "u16" => "integer",
        "f64" => "number",
        "Duration" => "duration",
        "ByteSize" => "size",
        "PathBuf" => "path",
        "SocketAddr" => "address",
        "RawRule" => "rule",
        "RawStatus" => "status",
        "OnFull" | "ClientAuth" | "LogFormat" | "Property" | "Detector" | "ExemptId" | "Kind" => "word",
        other => panic!("{key}: there is no word for the type {other}"),
    };
    word.to_owned()
}
