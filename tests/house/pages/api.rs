//! `docs/api.md` names every field of the answers, every route and every parameter.

use std::collections::BTreeSet;

use regex::Regex;

use super::{read, sources};

#[test]
fn the_page_names_every_field_of_the_answers() {
    let field = Regex::new(r#"(?:rename = "([a-z_]+)"[^\n]*\n\s*)?pub ([a-z_]+): "#).expect("a pattern");
    let shown = ["src/model/hop.rs", "src/model/live.rs"].map(read);
    let fields = named(&[texts("src/model/api"), shown.to_vec()].concat(), |text| {
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
        named(&texts("src/serve"), |text| route.captures_iter(text).map(|found| found[1].to_owned()).collect());
    assert!(routes.len() > 8, "{} routes were found", routes.len());
    assert_missing(&routes, |route| format!("`{route}`"));
}

#[test]
fn the_page_names_every_parameter() {
    let field = Regex::new(r"pub ([a-z_]+): Option<").expect("a pattern");
    let parameters =
        named(&texts("src/question"), |text| field.captures_iter(text).map(|found| found[1].to_owned()).collect());
    assert!(parameters.len() > 15, "{} parameters were found", parameters.len());
    assert_missing(&parameters, |name| format!("`{name}"));
}

fn texts(below_root: &str) -> Vec<String> {
    sources(below_root).into_values().collect()
}

fn named(texts: &[String], names: impl Fn(&str) -> Vec<String>) -> BTreeSet<String> {
    texts.iter().flat_map(|text| names(text)).collect()
}

fn assert_missing(names: &BTreeSet<String>, quoted: impl Fn(&str) -> String) {
    let page = read("docs/api.md");
    let missing: Vec<&String> = names.iter().filter(|name| !page.contains(&quoted(name))).collect();
    assert!(missing.is_empty(), "docs/api.md does not name {missing:?}");
}
