//! Holds the pages to the code and to themselves: the settings, the API, the links, the length of the README, and the
//! English.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

mod api;
mod english;
mod links;
mod picture;
mod raw;
mod settings;

/// The pages that people read, below the repository's root.
const PAGES: [&str; 12] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/api.md",
    "docs/architecture.md",
    "docs/journal.md",
    "docs/operations.md",
    "docs/proxy.md",
    "docs/rabbitmq.md",
    "docs/settings.md",
    "fuzz/README.md",
    "tests/it/proxy/clients/README.md",
];
/// A README is read to its end only when it is short.
const README_LINES_MAX: usize = 130;

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines; at most {README_LINES_MAX}: move some to docs/");
}

fn path(below_root: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below_root)
}

fn read(below_root: &str) -> String {
    let path = path(below_root);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of every file below a directory by its path, tests left out.
fn sources(below_root: &str) -> BTreeMap<String, String> {
    fn walk(dir: &Path, texts: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.ends_with("tests") || path.ends_with("tests.rs") {
                continue;
            }
            if path.is_dir() {
                walk(&path, texts);
            } else {
                texts.insert(path.display().to_string(), fs::read_to_string(path).expect("a text"));
            }
        }
    }
    let mut texts = BTreeMap::new();
    walk(&path(below_root), &mut texts);
    texts
}
