//! `docs/api.md` names every field of the answers, every route and every parameter.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use super::{path, read};

#[test]
fn the_page_names_every_field_of_the_answers() {
    let field = Regex::new(r#"(?:rename = "([a-z_]+)"[^\n]*\n\s*)?pub ([a-z_]+): "#).expect("a pattern");
    let shown = ["src/model/hop.rs", "src/model/live.rs"].map(read);
    let fields = named(&[sources("src/model/api"), shown.to_vec()].concat(), |text| {
        field
            .captures_iter(text)
            .map(|found| found.get(1).unwrap_or_else(|| found.get(2).expect("a name")).as_str().to_owned())
            .collect()
    });
    assert!(fields.len() > 100, "{} fields were found", fields.len());
    assert_missing(&fields, |name| format!("`{name}`"));
}

#[test]
fn the_page_names_every_route() {
    let route = Regex::new(r#""(/api/v1/[a-z-]+(?:/\{[a-z_]+\})?)""#).expect("a pattern");
    let routes =
        named(&sources("src/serve"), |text| route.captures_iter(text).map(|found| found[1].to_owned()).collect());
    assert!(routes.len() > 8, "{} routes were found", routes.len());
    assert_missing(&routes, |route| format!("`{route}`"));
}

#[test]
fn the_page_names_every_parameter() {
    let field = Regex::new(r"pub ([a-z_]+): Option<").expect("a pattern");
    let parameters =
        named(&sources("src/question"), |text| field.captures_iter(text).map(|found| found[1].to_owned()).collect());
    assert!(parameters.len() > 15, "{} parameters were found", parameters.len());
    assert_missing(&parameters, |name| format!("`{name}"));
}

fn named(texts: &[String], names: impl Fn(&str) -> Vec<String>) -> BTreeSet<String> {
    texts.iter().flat_map(|text| names(text)).collect()
}

fn assert_missing(names: &BTreeSet<String>, quoted: impl Fn(&str) -> String) {
    let page = read("docs/api.md");
    let missing: Vec<&String> = names.iter().filter(|name| !page.contains(&quoted(name))).collect();
    assert!(missing.is_empty(), "docs/api.md does not name {missing:?}");
}

/// The text of every file below a directory, tests left out.
fn sources(below_root: &str) -> Vec<String> {
    fn walk(dir: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                walk(&path, texts);
            } else {
                texts.push(fs::read_to_string(path).expect("a text"));
            }
        }
    }
    let mut texts = Vec::new();
    walk(&path(below_root), &mut texts);
    texts
}
