//! The causes of gaps and the details of changes. Most take a broker to come about, so the source is held to a list.

use std::fs;
use std::path::Path;

use crate::support::REPO;

#[test]
fn every_cause_is_told_in_the_words_of_the_list() {
    let root = Path::new(REPO);
    let mut texts = String::new();
    read(&root.join("src"), &mut texts);
    let texts = without_names(&texts);
    let list = fs::read_to_string(root.join("fixtures/answers/causes.txt")).unwrap();
    let causes = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let gone: Vec<&str> = causes.filter(|cause| !texts.contains(&format!("\"{cause}\""))).collect();
    assert!(gone.is_empty(), "these stand in fixtures/answers/causes.txt, and no longer in src: {gone:#?}");
}

/// All of the source, with each string that goes over several lines in one.
fn read(dir: &Path, texts: &mut String) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), texts);
        } else {
            for line in fs::read_to_string(entry.path()).unwrap().lines() {
                match line.strip_suffix('\\') {
                    Some(begun) => texts.push_str(if texts.ends_with('\n') { begun } else { begun.trim_start() }),
                    None if texts.ends_with('\n') => texts.extend([line, "\n"]),
                    None => texts.extend([line.trim_start(), "\n"]),
                }
            }
        }
    }
}

/// `{count:?}` as `{}`.
fn without_names(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let name = after.find(|c: char| !c.is_alphanumeric() && !"_.:?#".contains(c)).unwrap_or(after.len());
        plain.extend([before, "{"]);
        rest = if after[name..].starts_with('}') { &after[name..] } else { after };
    }
    plain + rest
}
